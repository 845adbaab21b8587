"""Where the microseconds of one inbound text go: `python -m bench --profile`.

The web app answers the same walks of callers in this process, one at a time, without
gunicorn. A timer of CPU time looks at the stack every millisecond; unlike a tracing
profiler it does not charge small functions for being watched.
"""

import gc
import io
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from flask import Flask

from bench.line import add_staff
from bench.servers import BenchBroken, endpoint, environment
from bench.texts import PATH, Callers, Endpoint
from config.settings import REPOSITORY, load_settings
from helpline.web.wsgi import make_app
from helpline.wiring import build_runtime, build_signature_check
from tests import services

_EVERY = 0.001
_DEPTH = 80
_COUNTED = 500
"""Texts before the measured ones: plans and caches are made, statements are counted."""


class Sampler:
    """Counts which functions are on the stack while CPU time passes."""

    def __init__(self) -> None:
        self.samples = 0
        self.own: Counter[str] = Counter()
        self.within: Counter[str] = Counter()
        self.packages: Counter[str] = Counter()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sample the main thread until the block ends."""
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        self.samples += 1
        seen: set[str] = set()
        package = ""
        for depth in range(_DEPTH):
            if frame is None:
                break
            name = _name(frame)
            if depth == 0:
                self.own[name] += 1
            package = package or _package(name)
            seen.add(name)
            frame = frame.f_back
        self.packages[package or "other"] += 1
        self.within.update(seen)


def _name(frame: FrameType) -> str:
    path = frame.f_code.co_filename
    for root in ("site-packages/", f"{REPOSITORY}/", "lib/python3"):
        _, found, rest = path.rpartition(root)
        if found:
            path = rest
            break
    return f"{path}:{frame.f_code.co_qualname}"


def _package(name: str) -> str:
    """The first library or layer of ours that a sample falls into, innermost first."""
    parts = name.partition(":")[0].split("/")
    if parts[0] == "helpline":
        return "/".join(parts[:2]).removesuffix(".py")
    known = ("sqlalchemy", "psycopg", "psycopg_binary", "flask", "werkzeug", "twilio",
             "cryptography", "structlog", "prometheus_client")  # fmt: skip
    return parts[0] if parts[0] in known else ""


def run(folder: Path, requests: int = 3000) -> None:
    """Print the costs of a request on PostgreSQL: by package, by function, by statement."""
    with services.postgres_server() as server, services.fresh_database(server.url) as url:
        environ = environment(folder, url)
        settings = load_settings(environ)
        add_staff(environ)
        runtime = build_runtime(settings)
        app = make_app(runtime, build_signature_check(settings))

        made = list(Callers(endpoint(environ), 77).lane(requests + _COUNTED))
        send = _sender(app, endpoint(environ))
        with _statements() as statements:
            for webhook in made[:_COUNTED]:
                send(webhook)
        gc.freeze()  # as the web process does
        sampler = Sampler()
        cpu, begun = time.process_time(), time.perf_counter()
        with sampler.watching():
            for webhook in made[_COUNTED:]:
                send(webhook)
        count = len(made) - _COUNTED
        cpu, wall = time.process_time() - cpu, time.perf_counter() - begun
        _report(sampler, statements, count, cpu / count * 1e6, wall / count * 1e6)
        runtime.store.dispose()


@contextmanager
def _statements() -> Iterator[Counter[str]]:
    """Counts what reaches the driver, from whatever layer; not while time is measured."""
    seen: Counter[str] = Counter()
    execute = psycopg.Cursor.execute

    def counted(cursor: Any, query: Any, *rest: Any, **more: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        seen[" ".join(text.split())[:110]] += 1
        return execute(cursor, query, *rest, **more)

    psycopg.Cursor.execute = counted  # type: ignore[method-assign,assignment]
    try:
        yield seen
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def _sender(app: Flask, where: Endpoint) -> Callable[[bytes], None]:
    """Calls the app as gunicorn would, without the sockets."""

    def send(webhook: bytes) -> None:
        head, _, content = webhook.partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in lines}
        environ = headers | {
            "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": PATH, "RAW_URI": PATH,
            "QUERY_STRING": "", "SERVER_NAME": where.host, "SERVER_PORT": str(where.port),
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(content),
            "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": True,
            "wsgi.run_once": False, "CONTENT_TYPE": headers["HTTP_CONTENT_TYPE"],
            "CONTENT_LENGTH": str(len(content)),
        }  # fmt: skip
        said: list[str] = []

        def start(status: str, *_: Any) -> Callable[[bytes], object]:
            said.append(status)
            return said.append  # type: ignore[return-value]

        body = b"".join(app(environ, start))
        if not said[0].startswith("200") or b"<Message" not in body:
            raise BenchBroken(f"the view answered {said[0]}")

    return send


def _report(
    sampler: Sampler, statements: Counter[str], count: int, cpu: float, wall: float
) -> None:
    share = cpu / max(1, sampler.samples)
    print(f"\nprofile: {count} texts, {cpu:.0f} us CPU and {wall:.0f} us in all per text")
    print(f"\n{sum(statements.values()) / _COUNTED:.2f} statements per text")
    for statement, times in statements.most_common(20):
        print(f"{times / _COUNTED:8.2f}  {statement}")
    for title, counts, most in (
        ("where it is spent, us per text", sampler.packages, 20),
        ("by function with all it calls, us per text", _ours(sampler.within), 45),
        ("by function alone, us per text", sampler.own, 30),
    ):
        print(f"\n{title}")
        for name, seen in counts.most_common(most):
            print(f"{seen * share:8.0f}  {name}")


def _ours(within: Counter[str]) -> Counter[str]:
    """Without this file's own frames and the program's start."""
    return Counter({
        name: seen for name, seen in within.items()
        if not name.startswith(("bench/", "<frozen", "<string>")) and "contextlib" not in name
    })  # fmt: skip
