"""No line of a log holds a number, a word or an error's message."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from helpline import logs, metrics
from helpline.service.upkeep.figures import Figure

NUMBER = "+12025550123"
Err = pytest.CaptureFixture[str]
WORDS = "I want to die tonight"


@pytest.fixture
def err(capsys: pytest.CaptureFixture[str]) -> Iterator[Err]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    plain = structlog.get_config()
    logs.configure("DEBUG", "test")
    yield capsys
    root.handlers[:], sys.excepthook, threading.excepthook = before[0], before[2], before[3]
    root.setLevel(before[1])
    logging.captureWarnings(False)
    structlog.configure(**plain)


def lines(err: Err) -> list[dict[str, Any]]:
    text = err.readouterr().err
    for secret in (NUMBER, "2025550123", WORDS, "tonight"):
        assert secret not in text
    return [json.loads(line) for line in text.splitlines()]


def test_an_ordinary_line(err: Err) -> None:
    sid = "SM" + "0" * 32
    structlog.get_logger().info("page.sent", page_id=7, duration_ms=1.5, sid=sid, queue="crisis")
    (line,) = lines(err)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "event": "page.sent",
        "level": "info",
        "process": "test",
        "page_id": 7,
        "duration_ms": 1.5,
        "sid": sid,
        "queue": "crisis",
    }


def test_what_is_not_allowed_is_dropped_and_counted(err: Err) -> None:
    before = logs.dropped_total()
    structlog.get_logger().warning(
        "text.in",
        body=WORDS,
        sender=NUMBER,
        kind=WORDS,
        code=NUMBER,
        case_id=12025550123,
        status={"to": NUMBER},
        reason_code="2025550123",
        count=3,
    )
    (line,) = lines(err)
    assert line["count"] == 3
    assert line["dropped"] == 7
    assert set(line) == {"at", "level", "process", "event", "count", "dropped"}
    assert logs.dropped_total() == before + 7


@pytest.mark.parametrize("event", [WORDS, f"texted {NUMBER}", "", None, {"a": NUMBER}, "x" * 99])
def test_a_sentence_is_not_an_event(err: Err, event: Any) -> None:
    structlog.get_logger().info(event)
    (line,) = lines(err)
    assert line["event"] == "unnamed"
    assert "test_logs:" in line["where"]


def test_an_error_is_its_type_and_place(err: Err) -> None:
    def fail() -> None:
        try:
            raise KeyError(NUMBER)
        except KeyError as cause:
            raise ValueError(f"{WORDS} {NUMBER}") from cause

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("job.failed")
    (line,) = lines(err)
    assert line["error"] == "ValueError < KeyError"
    assert line["level"] == "error"
    assert "test_logs:" in line["frames"][-1]


def test_uncaught_errors(err: Err) -> None:
    def fail() -> None:
        raise RuntimeError(NUMBER)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except RuntimeError:
        sys.excepthook(*sys.exc_info())
    first, second = lines(err)
    assert first["event"] == second["event"] == "uncaught"
    assert first["error"] == "RuntimeError"


def test_libraries_lose_their_arguments(err: Err) -> None:
    logging.getLogger("rq.worker").warning("Worker %s: job %s failed", NUMBER, WORDS)
    logging.getLogger("sqlalchemy.engine").error("INSERT %s", {"body": WORDS})
    logging.getLogger("sqlalchemy.pool").error(f"bound {NUMBER}")
    logging.getLogger("rq.job").error(f"for {NUMBER}")
    logging.getLogger("urllib3").info("GET %s", NUMBER)
    logging.getLogger("py.warnings").warning("%s", WORDS)
    try:
        raise ValueError(WORDS)
    except ValueError:
        logging.getLogger("gunicorn.error").exception("Error handling request %s", NUMBER)
    rq, engine, pool, job, warning, gunicorn = lines(err)
    assert rq["template"] == "Worker %s: job %s failed"
    assert "template" not in engine | pool | job | warning
    assert engine["logger"] == "sqlalchemy.engine"
    assert (gunicorn["error"], gunicorn["template"]) == ("ValueError", "Error handling request %s")


def test_levels(err: Err) -> None:
    logs.configure("WARNING", "test")
    structlog.get_logger().info("quiet.one")
    structlog.get_logger().warning("loud.one")
    assert [line["event"] for line in lines(err)] == ["loud.one"]


def test_metrics_are_exposed_and_a_failing_gauge_hides_nothing(err: Err) -> None:
    counted = metrics.metrics()
    counted.webhook_seconds.labels("sms").observe(0.002)
    counted.danger_found.labels("CRISIS").inc()

    def broken() -> list[Figure]:
        raise ConnectionError(NUMBER)

    waiting = Figure("outbox_waiting", "Effects", ("queue",), {("crisis",): 2.0})
    readings = {"rows": lambda: [waiting], "bell": broken}
    text = metrics.exposition(readings).decode()
    assert 'helpline_webhook_seconds_bucket{le="0.005",route="sms"}' in text
    assert 'helpline_danger_found_total{level="CRISIS"}' in text
    assert 'helpline_outbox_waiting{queue="crisis"} 2.0' in text
    assert 'helpline_reading_failed{reading="rows"} 0.0' in text
    assert 'helpline_reading_failed{reading="bell"} 1.0' in text
    assert lines(err)[0]["error"] == "ConnectionError"


def test_metrics_of_several_processes_add_up(tmp_path: Any) -> None:
    import os
    import subprocess

    code = (
        "from helpline.metrics import metrics, exposition; import os;"
        "metrics().texts_in.inc();"
        "folder = os.environ['PROMETHEUS_MULTIPROC_DIR'];"
        "print(exposition(None, folder).decode())"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "helpline_texts_in_total 2.0" in done.stdout
