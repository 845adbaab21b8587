"""Alarms, runbook, units and containers say the same as the code."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import REPOSITORY, Settings, variable
from helpline import metrics
from helpline.service.upkeep import figures, health
from tests.builders import Scene, _migrated_sqlite, _sqlite_engine, sqlite_store
from tests.service.conftest import quick

__all__ = ["_migrated_sqlite", "_sqlite_engine", "quick", "sqlite_store"]

DEPLOY = REPOSITORY / "deploy"
UNITS = {
    "helpline-web.service": "web",
    "helpline-console.service": "console",
    "helpline-crisis@.service": "worker_crisis",
    "helpline-callbacks.service": "worker_callbacks",
    "helpline-default.service": "worker_default",
    "helpline-guard.service": "guard",
    "helpline-migrate.service": "release",
}
SERVERS = {"postgres", "redis"}
FUNCTIONS = {
    "max", "min", "sum", "rate", "increase", "absent", "by", "or", "histogram_quantile",
    "min_over_time", "le",
}  # fmt: skip


def alarms() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", (REPOSITORY / "docs/runbook.md").read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def procfile() -> dict[str, list[str]]:
    lines = (REPOSITORY / "Procfile").read_text().splitlines()
    return {name: shlex.split(rest) for name, _, rest in (line.partition(": ") for line in lines)}


# --- alarms and runbook -------------------------------------------------------------


def test_every_alarm_and_every_reason_of_ready_has_its_section() -> None:
    named = {alarm["alert"] for alarm in alarms()} | set(health.REASONS)
    told = sections()
    alarming = {name for name in told if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", name)}
    assert alarming == named
    for name in named:
        for part in ("**Means.**", "**For callers.**", "**Do.**", "```sh", "**Verify.**"):
            assert part in told[name], f"{name} lacks {part}"


@pytest.mark.parametrize("name", health.REASONS)
def test_the_runbook_quotes_what_ready_says(name: str) -> None:
    assert f"`{health.REASONS[name].format(count='N')}`" in sections()[name]


def test_what_silences_the_outside_watch_is_documented() -> None:
    listed = sections()["When the outside watch calls"]
    ready = health.LINE_AT_RISK - {"DatabaseAway", "NothingKept"}
    assert ready == set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", listed)) & set(health.REASONS)


def test_the_rules_are_well_formed() -> None:
    found = alarms()
    assert len({alarm["alert"] for alarm in found}) == len(found) >= 20
    for alarm in found:
        assert set(alarm) <= {"alert", "expr", "for", "labels", "annotations"}, alarm
        assert alarm["labels"]["severity"] in {"page", "ticket"}
        assert alarm["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", alarm.get("for", "0s"))
        expression = re.sub(r'"[^"]*"', "", alarm["expr"])
        for left, right in ("()", "{}", "[]"):
            assert expression.count(left) == expression.count(right), alarm["alert"]
        for word in re.findall(r"[a-z_]+(?=\s*[({])", expression):
            assert word in FUNCTIONS or word == "up" or word.startswith("helpline_"), word


def exposed(scene: Scene) -> dict[str, set[str]]:
    """Every metric with its labels, as `/metrics` shows them."""
    found: dict[str, set[str]] = {"up": {"job", "instance"}}
    readings = [*figures.READINGS.values(), lambda rt: [figures.clock_skew(rt, scene.now)]]
    for read in readings:
        for figure in read(scene.rt):
            found[f"helpline_{figure.name}"] = set(figure.labels)
    found["helpline_reading_failed"] = {"reading"}
    for family in metrics.Metrics().registry.collect():
        if family.type == "histogram":
            found |= {f"{family.name}_{end}": {"le"} for end in ("bucket", "count", "sum")}
        else:
            found[f"{family.name}_total"] = set()
    for name in vars(metrics.Metrics()).values():
        for label in getattr(name, "_labelnames", ()):
            for known in found:
                if known.startswith(name._name):
                    found[known] |= {label}
    return found


def test_every_metric_of_the_rules_is_exposed_with_its_labels(quick: Scene) -> None:
    known = exposed(quick)
    for alarm in alarms():
        for name, labels in re.findall(r"(\bhelpline_\w+|\bup)(\{[^}]*\})?", alarm["expr"]):
            assert name in known, f"{alarm['alert']}: {name}"
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels):
                assert label in known[name] | {"job", "instance"}, f"{alarm['alert']}: {label}"


def test_every_metric_that_the_runbook_names_is_exposed(quick: Scene) -> None:
    known = exposed(quick)
    text = (REPOSITORY / "docs/runbook.md").read_text()
    for name in re.findall(r"`(helpline_\w+)", text):
        assert name in known, name
    for pattern in re.findall(r"/metrics \| grep (?:-E )?'?([\w|]+)'?", text):
        for part in pattern.split("|"):
            assert any(part in name for name in known), part


# --- units, containers, Procfile -----------------------------------------------------


def unit(name: str) -> dict[str, list[tuple[str, str]]]:
    """Sections of a unit; a key may be there more than once."""
    found: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            found[section] = []
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, f"{name}: {line}"
            found[section].append((key, value))
    return found


def value(name: str, section: str, key: str) -> str | None:
    return dict(unit(name)[section]).get(key)


def test_units_run_what_the_procfile_runs() -> None:
    run = procfile()
    wanted = [word for key, line in unit("helpline.target")["Unit"] if key == "Wants"
              for word in line.split()]  # fmt: skip
    started: dict[str, list[str]] = {}
    for name in wanted:
        template, at, instance = name.removesuffix(".service").partition("@")
        process = UNITS[f"{template}@.service" if at else name]
        file = f"{template}@.service" if at else name
        command = shlex.split(value(file, "Service", "ExecStart") or "")
        command[0] = command[0].rpartition("/")[2]
        started[f"{process}_{instance}" if at else process] = command
    assert started == run
    files = {path.name for path in (DEPLOY / "systemd").iterdir()}
    assert files == {*UNITS, "helpline.target"}


@pytest.mark.parametrize("name", [name for name in UNITS if "migrate" not in name])
def test_a_unit_never_gives_up_and_may_do_little(name: str) -> None:
    assert value(name, "Unit", "StartLimitIntervalSec") == "0"
    for key, wanted in {
        "Restart": "always", "RestartSec": "1", "KillMode": "mixed", "User": "helpline",
        "EnvironmentFile": "/etc/helpline/helpline.env", "NoNewPrivileges": "yes",
        "ProtectSystem": "strict", "StateDirectory": "helpline",
    }.items():  # fmt: skip
        assert value(name, "Service", key) == wanted, key
    protected = {"web", "guard", "worker_crisis"}
    assert (value(name, "Service", "OOMScoreAdjust") == "-500") is (UNITS[name] in protected)


def test_web_and_guard_start_without_database_and_redis() -> None:
    for name in ("helpline-web.service", "helpline-guard.service"):
        assert not {"Requires", "Requisite", "BindsTo"} & {key for key, _ in unit(name)["Unit"]}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace("/srv/helpline/.venv/bin/python", shutil.which("sh") or "")
        (tmp_path / path.name).write_text(text)
    names = [name.replace("@.", "@1.") for name in UNITS] + ["helpline.target"]
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in names)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    about_ours = [line for line in done.stderr.splitlines() if "helpline" in line]
    assert not about_ours, done.stderr


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def test_containers_run_what_the_procfile_runs() -> None:
    services = compose()["services"]
    assert {name: services[name]["command"] for name in services.keys() - SERVERS} == procfile()
    for name in services.keys() - SERVERS - {"release"}:
        assert services[name]["restart"] == "always"
        assert services[name]["cap_drop"] == ["ALL"]
        assert "release" in services[name]["depends_on"]
    for name in SERVERS | {"web"}:
        assert services[name]["healthcheck"]["test"]
    for name in ("web", "guard"):
        assert not SERVERS & services[name]["depends_on"].keys(), "it lives without them"
    said = " ".join(services["redis"]["command"])
    assert "--appendonly yes" in said
    assert "--maxmemory-policy noeviction" in said
    assert all(port.startswith("127.0.0.1:") for port in services["web"]["ports"])


def test_variables_of_the_containers_are_settings() -> None:
    known = {variable(name) for name in Settings.model_fields}
    for name, service in compose()["services"].items():
        if name not in SERVERS:
            assert set(service["environment"]) <= known, name


def test_redis_keeps_what_it_took() -> None:
    said = dict(
        line.split(" ", 1)
        for line in (DEPLOY / "redis.conf").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert said["appendonly"] == "yes"
    assert said["maxmemory-policy"] == "noeviction"
    assert "0.0.0.0" not in said["bind"]


def dockerfile() -> Iterator[list[str]]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    yield from (line.split() for line in text.splitlines() if line and not line.startswith("#"))


def test_the_image_is_pinned_without_rights_and_complete() -> None:
    lines = list(dockerfile())
    kinds = [line[0] for line in lines]
    assert kinds[0] == "FROM"
    assert "/" not in lines[0][1], "the image's name alone"
    assert "--require-hashes" in next(line for line in lines if "pip" in line)
    assert ["USER", "helpline"] in lines
    assert kinds.index("USER") < kinds.index("CMD")
    copied = [line[1] for line in lines if line[0] == "COPY"]
    assert copied == ["requirements.txt", "config", "helpline", "workers"]
    assert all((REPOSITORY / name).exists() for name in copied)
