"""The architecture's invariants (DESIGN 11): what holds whatever is built next."""

import ast
import importlib
import os
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from config.settings import REPOSITORY
from helpline import bell
from helpline.domain import effects
from helpline.domain.delivery import TextOrder
from helpline.domain.messages import find_message
from helpline.domain.phone import PhoneNumber
from helpline.domain.triage import SPOKEN
from helpline.service import dispatch
from helpline.store import KeyRing, Store, open_engine
from tests.builders import make_runtime
from tests.fakes import FakeCarrier, OpenConnections
from tests.phone import protocol

HELPLINE = REPOSITORY / "helpline"
PACKAGES = ("helpline", "workers", "config")
LONGEST_FUNCTION, LONGEST_FILE = 60, 400
KNOWN_LONG_FILES = {
    "helpline/store/migrations/versions/0001_first_tables.py": "a revision is never touched again",
}
GUARDS = {"signed_by_carrier", "open_to_all"}
DOORS = {"open_to_all", "half_signed_in", "for_staff", "for_supervisors", "for_admins"}
KEY = "dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk="


def sources(*folders: Path) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            yield path, ast.parse(path.read_text())


def ours() -> list[Path]:
    return [REPOSITORY / name for name in PACKAGES]


# --- routes ---------------------------------------------------------------------------


def test_every_route_names_exactly_one_guard(tmp_path: Path) -> None:
    from helpline.carrier.webhook import SignatureCheck
    from helpline.web.wsgi import make_app

    keys = KeyRing((KEY,), "x" * 32)
    engine = open_engine(f"sqlite:///{tmp_path / 'none.db'}", keys)
    app = make_app(make_runtime(Store(engine, keys)), SignatureCheck(("t",), "https://x.example"))
    engine.dispose()
    assert len(app.view_functions) > 15
    pages = HELPLINE / "web" / "console"
    outside = [path for path in (HELPLINE / "web").rglob("*.py") if pages not in path.parents]
    check_guards(app, GUARDS, outside)
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/twilio") and rule.endpoint != "texts.fallback":
            view = app.view_functions[rule.endpoint]
            assert getattr(view, "guard", None) == "signed_by_carrier", rule


def check_guards(app: Flask, known: set[str], files: list[Path]) -> None:
    """Every view carries one guard, put there by one decorator."""
    for name, view in app.view_functions.items():
        assert getattr(view, "guard", None) in known, f"{name} names no guard"
    decorated = [
        (node.name, [d.id for d in node.decorator_list if getattr(d, "id", None) in known])  # type: ignore[attr-defined]
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(d, ast.Call) and isinstance(d.func, ast.Attribute)
            and d.func.attr in {"post", "get", "route", "put", "delete", "patch"}
            for d in node.decorator_list
        )
    ]  # fmt: skip
    added = {"alive", "static", "bootstrap.static"} & app.view_functions.keys()
    assert len(decorated) == len(app.view_functions) - len(added)
    for name, guards in decorated:
        assert len(guards) == 1, f"{name} has {guards}"


def test_every_page_names_exactly_one_guard(tmp_path: Path) -> None:
    from helpline.web.console.wsgi import Surroundings, make_console

    keys = KeyRing((KEY,), "x" * 32)
    engine = open_engine(f"sqlite:///{tmp_path / 'none.db'}", keys)
    around = Surroundings("s" * 32, "http://127.0.0.1:1", REPOSITORY / "config")
    app = make_console(make_runtime(Store(engine, keys)), around)
    engine.dispose()
    check_guards(app, DOORS, sorted((HELPLINE / "web" / "console").glob("*.py")))


# --- queues, jobs, effects ----------------------------------------------------------------


def test_every_job_resolves_and_takes_one_integer() -> None:
    for dotted in bell.JOBS:
        module, _, name = dotted.rpartition(".")
        job = getattr(importlib.import_module(module), name)
        assert list(typing.get_type_hints(job).values()) == [int, type(None)], dotted


def test_every_queue_is_consumed_alone_by_a_process_of_the_procfile() -> None:
    lines = (REPOSITORY / "Procfile").read_text().splitlines()
    consumed = [match[1] for line in lines if (match := re.search(r"workers\.run (.+)$", line))]
    assert set(consumed) == set(bell.QUEUES), "one queue to a worker (RELIABILITY 0)"
    assert consumed.count("crisis") >= 2


def keywords(name: str, *folders: Path) -> set[str]:
    """Every constant given as this keyword in the code, conditional ones too."""
    found = set()
    for _, tree in sources(*folders):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == name:
                for part in ast.walk(node.value):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found.add(part.value)
    return found


def function(path: Path, name: str) -> ast.FunctionDef:
    tree = ast.parse(path.read_text())
    return next(
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name
    )


def test_every_queue_that_is_written_exists() -> None:
    written = keywords("queue", HELPLINE / "service", HELPLINE / "store")
    from helpline.service.sending.outgoing import _QUEUES

    assert written | set(_QUEUES.values()) <= set(bell.QUEUES)
    assert set(bell.JOB_SECONDS) == set(bell.QUEUES)


def test_every_kind_that_is_written_is_carried_out() -> None:
    puts = [
        keyword.value.value
        for _, tree in sources(HELPLINE / "service")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "put"
        for keyword in node.keywords
        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
    ]
    cases = {
        case.pattern.value.value  # type: ignore[attr-defined]
        for node in ast.walk(function(HELPLINE / "service/dispatch.py", "deliver"))
        if isinstance(node, ast.Match)
        for case in node.cases
        if isinstance(case.pattern, ast.MatchValue)
    }
    assert len(puts) >= 4
    assert set(puts) == cases


def test_every_effect_is_carried_out() -> None:
    known = {kind.__name__ for kind in typing.get_args(effects.Effect)}
    defined = {
        name
        for name, item in vars(effects).items()
        if isinstance(item, type) and item.__module__ == effects.__name__
    }
    cases = {
        case.pattern.cls.id  # type: ignore[attr-defined]
        for node in ast.walk(function(HELPLINE / "service/steps.py", "carry_out"))
        if isinstance(node, ast.Match)
        for case in node.cases
        if isinstance(case.pattern, ast.MatchClass)
    }
    assert known == defined == cases


def test_every_entrance_is_a_route() -> None:
    routes = set()
    for _, tree in sources(HELPLINE / "web"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "post":
                routes |= {f"/twilio/voice{arg.value}" for arg in node.args}  # type: ignore[attr-defined]
    spoken = set(dispatch.ENTRANCES.values())
    for path in (HELPLINE / "service").glob("*.py"):
        spoken |= set(re.findall(r"/twilio/voice/[a-z/]+[a-z]", path.read_text()))
        spoken.discard("/twilio/voice/")
    assert spoken <= routes, spoken - routes


# --- words ------------------------------------------------------------------------------------


def named_messages() -> set[str]:
    """Upper-case keys that the services hand to `wording` and `outgoing`."""
    found = set()
    callers = {
        "to_caller", "aloud", "to_staff", "aloud_to_staff", "text_caller", "text_staff", "say",
        "_asked", "ask_staff",
    }  # fmt: skip
    for _, tree in sources(HELPLINE / "service", HELPLINE / "web"):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in callers or name in {"put", "render", "spoken"}:
                for part in (arg for top in node.args for arg in ast.walk(top)):
                    key = getattr(part, "value", None)
                    if isinstance(key, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", key):
                        found.add(key)
    return found


def test_every_message_that_code_names_exists() -> None:
    named = named_messages() | set(SPOKEN)
    assert len(named) > 30
    assert {"PAGE_TEXT", "STAFF_WAITING", "BEFORE_CONNECT", "CALLING"} <= named
    for key in sorted(named):
        assert find_message(protocol(), key, "en"), key
    told = {step.tell_caller for step in protocol().escalation.steps if step.tell_caller}
    for key in told:
        assert find_message(protocol(), key, "en"), key


# --- importing and the network ---------------------------------------------------------------

IMPORT_ALL = """
import builtins, os, socket, sys
allowed = os.getcwd(), sys.prefix, sys.base_prefix
def refuse(*args, **more):
    raise SystemExit(f"a socket at import: {args}")
socket.socket.connect = refuse
socket.create_connection = refuse
threads = __import__("threading")
real = builtins.open
def watched(path, mode="r", *rest, **more):
    if any(letter in mode for letter in "wax+"):
        raise SystemExit(f"{path} was written at import")
    return real(path, mode, *rest, **more)
builtins.open = watched
import importlib, pkgutil
count = 0
for name in ("helpline", "workers", "config"):
    package = importlib.import_module(name)
    for item in pkgutil.walk_packages(package.__path__, name + "."):
        if item.name.endswith(("__main__", "config.gunicorn")) or ".migrations" in item.name:
            continue
        importlib.import_module(item.name)
        count += 1
assert threads.active_count() == 1, threads.enumerate()
print(count)
"""


def test_importing_everything_with_an_empty_environment_does_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        (sys.executable, "-W", "ignore", "-c", IMPORT_ALL),
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    assert int(done.stdout) > 60
    assert list(tmp_path.iterdir()) == []


def test_the_fake_carrier_notices_an_open_transaction(tmp_path: Path) -> None:
    """Every service test asks its carrier this way: no transaction during a network call."""
    keys = KeyRing((KEY,), "x" * 32)
    store = Store(open_engine(f"sqlite:///{tmp_path / 'a.db'}", keys), keys)
    carrier = FakeCarrier(OpenConnections(store.engine))
    order = TextOrder(PhoneNumber("+12025550100"), PhoneNumber("+12025550101"), "hi", "t")
    assert carrier.send_text(order)
    with store.begin(), pytest.raises(AssertionError, match="transaction is open"):
        carrier.send_text(order)
    assert carrier.send_text(order)
    store.dispose()


def test_only_settings_and_processes_read_the_environment() -> None:
    allowed = {"config/settings.py", "config/practice.py", "config/gunicorn.py"}
    readers = {
        str(path.relative_to(REPOSITORY))
        for path, tree in sources(HELPLINE / "domain", HELPLINE / "store", HELPLINE / "service",
                                  HELPLINE / "carrier", REPOSITORY / "workers")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }  # fmt: skip
    assert readers <= allowed | {"workers/jobs.py"}


# --- sizes -----------------------------------------------------------------------------------


def test_functions_and_files_fit_in_one_sitting() -> None:
    long = []
    for path, tree in sources(*ours(), REPOSITORY / "bench"):
        name = str(path.relative_to(REPOSITORY))
        lines = len(path.read_text().splitlines())
        if lines > LONGEST_FILE and name not in KNOWN_LONG_FILES:
            long.append(f"{name}: {lines} lines")
        if ".migrations" in name or "/migrations/" in name:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    long.append(f"{name}:{node.lineno} {node.name}: {length} lines")
    assert not long, "\n".join(long)


def test_the_exceptions_for_long_files_are_still_needed() -> None:
    for name in KNOWN_LONG_FILES:
        assert len((REPOSITORY / name).read_text().splitlines()) > LONGEST_FILE, name


def test_domain_knows_no_library_of_the_edge() -> None:
    forbidden = {"flask", "sqlalchemy", "redis", "rq", "twilio", "yaml", "os", "logging", "random",
                 "secrets", "time", "structlog"}  # fmt: skip
    for path, tree in sources(HELPLINE / "domain"):
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in forbidden, f"{path}: {name}"


def test_the_environment_of_this_test_is_ours() -> None:
    assert "TWILIO_AUTH_TOKEN" not in os.environ
