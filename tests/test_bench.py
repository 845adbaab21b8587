"""The bench measures what it says: its arithmetic, its signatures, and a run in tiny form."""

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator

from bench.calls import RING, STEP, Calls
from bench.calls import SCRIPTS as CALL_SCRIPTS
from bench.load import Generator, judge
from bench.results import Result, percentile, ratio, write
from bench.servers import cpu_seconds
from bench.texts import PATH, SCRIPTS, Callers, Endpoint
from config.settings import REPOSITORY

TWIML = b"<Response><Message>hello</Message></Response>"


def endpoint(port: int = 1) -> Endpoint:
    return Endpoint("127.0.0.1", port, "https://line.example.org", "f" * 32)


@contextmanager
def server(status: int = 200, *, keep: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Answers TwiML and notes who texted what, in order."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fields = parse_qs(sent, keep_blank_values=True)
            heard.append(f"{fields['From'][0]} {fields['Body'][0]}")
            self.send_response(status)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Content-Length", str(len(TWIML)))
            if not keep:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(TWIML)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield listening.server_port, heard
        finally:
            listening.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)]
)
def test_percentiles_are_measured_values(share, expected):
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_nothing_measured_is_no_number():
    assert math.isnan(percentile([], 0.5))
    assert math.isnan(ratio(1.0, 0.0))


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (Result("a", 5.0, "ms", 5.0), "ok"),
        (Result("a", 5.1, "ms", 5.0), "BROKEN"),
        (Result("a", 0.5, "x", 0.5, "at least"), "ok"),
        (Result("a", 0.4, "x", 0.5, "at least"), "BROKEN"),
        (Result("a", math.nan, "x", 0.5), "BROKEN"),
        (Result("a", 9.0, "ms"), "-"),
    ],
)
def test_a_bound_is_kept_or_broken(result, verdict):
    assert result.verdict == verdict
    assert result.line().endswith(verdict)


def test_json_holds_every_result(tmp_path):
    write(tmp_path / "out", [Result("a", 2.0, "x", 1.0), Result("b", math.nan)], {"cores": 4})
    told = json.loads((tmp_path / "out").read_text())
    assert [(row["name"], row["value"], row["ok"]) for row in told["results"]] == [
        ("a", 2.0, False),
        ("b", None, True),
    ]


def test_requests_are_signed_as_the_carrier_signs():
    where = endpoint()
    made = next(Callers(where, 1).lane(1))
    head, _, content = made.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    fields = {
        name: values[0]
        for name, values in parse_qs(content.decode(), keep_blank_values=True).items()
    }
    assert len(fields) == 19
    assert int(headers["Content-Length"]) == len(content)
    assert RequestValidator(where.token).validate(
        where.public_base_url + PATH, fields, headers["X-Twilio-Signature"]
    )


def test_every_caller_walks_a_whole_script_in_order():
    with server() as (port, heard):
        generator = Generator(endpoint(port), connections=2, seed=1)
        generator.make(requests=40)
        got = generator.slice(20.0, "mix", connections=2)
    assert got["wrong"] == {}
    assert got["dry"]
    assert len(got["latencies"]) == len(heard) >= 40
    walks: dict[str, list[str]] = {}
    for number, _, body in (line.partition(" ") for line in heard):
        walks.setdefault(number, []).append(body)
    assert {"|".join(walk) for walk in walks.values()} <= set(SCRIPTS)


def test_no_two_generators_share_an_id():
    made = [request for seed in (1, 2) for request in Callers(endpoint(), seed).lane(200)]
    sids = [parse_qs(request.decode().rpartition("\r\n")[2])["MessageSid"][0] for request in made]
    assert len(set(sids)) == len(made)


@pytest.mark.parametrize("keep", [True, False])
def test_a_slice_ends_in_time_and_counts_what_is_wrong(keep):
    with server(503, keep=keep) as (port, heard):
        generator = Generator(endpoint(port), connections=4, seed=1)
        generator.make(requests=20_000)
        got = generator.slice(0.2, "mix", connections=4)
    assert 0.2 <= got["elapsed"] < 5
    assert got["wrong"] == {"status 503": len(got["latencies"])}
    assert len(heard) == len(got["latencies"])


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + TWIML, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<Response/>", "no Message"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + TWIML, "not XML"),
        (b"HTTP/1.1 403 FORBIDDEN\r\n\r\n", "status 403"),
    ],
)
def test_only_a_message_counts_as_an_answer(answer, problem):
    assert judge(answer) == problem


def prompt(name: str) -> bytes:
    """An answer that asks for keys, under this name."""
    gather = f'<Gather action="{STEP}?attempt={name}" method="POST"></Gather>'
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n{gather}".encode()


def asked_of(request: bytes) -> tuple[str, dict[str, str]]:
    """Path with query, and fields, of a webhook that is signed as the carrier signs."""
    head, _, content = request.decode().partition("\r\n\r\n")
    first, *headers = head.split("\r\n")
    fields = {name: sent[0] for name, sent in parse_qs(content, keep_blank_values=True).items()}
    path = first.split(" ")[1]
    signature = dict(line.split(": ", 1) for line in headers)["X-Twilio-Signature"]
    where = endpoint()
    assert RequestValidator(where.token).validate(where.public_base_url + path, fields, signature)
    return path, fields


def test_callers_who_rang_answer_each_prompt_in_order():
    calls = Calls(Callers(endpoint(), 1))
    rings = calls.rings()
    path, ring = asked_of(next(rings))
    assert path == RING
    rings.send(prompt("p0"))
    assert len(calls) == 1
    steps, said, answer = calls.steps(), [], None
    for number in range(100):
        with suppress(StopIteration):
            path, fields = asked_of(steps.send(answer))
            assert path == f"{STEP}?attempt=p{number}"
            assert fields["CallSid"] == ring["CallSid"]
            said.append(fields.get("Digits") or fields["SpeechResult"])
            answer = prompt(f"p{number + 1}")
    assert "|".join(said) in CALL_SCRIPTS
    assert calls.broken_off == 0


@pytest.mark.parametrize("answer", [prompt("p0"), b"HTTP/1.1 503 GONE\r\n\r\n"])
def test_a_call_that_is_asked_nothing_new_is_told(answer):
    calls = Calls(Callers(endpoint(), 1))
    rings = calls.rings()
    next(rings)
    rings.send(prompt("p0"))
    steps = calls.steps()
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(answer)
    assert calls.broken_off == 1


def test_a_question_is_looked_for_where_calls_are_answered():
    assert judge(prompt("p0"), "Gather") == ""
    assert judge(prompt("p0")) == "no Message"
    assert (
        judge(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + TWIML, "Gather") == "no Gather"
    )


def test_cpu_of_a_family_includes_its_dead():
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    before = cpu_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", spin], check=True)
    assert cpu_seconds(os.getpid()) - before >= 0.25


def test_the_bench_runs_in_tiny_form(tmp_path: Path):
    out = tmp_path / "out.json"
    ran = subprocess.run(
        (sys.executable, "-m", "bench", "--quick", "--json", str(out)),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout[-2000:]
    rows = {row["name"]: row for row in json.loads(out.read_text())["results"]}
    for database in ("PostgreSQL", "SQLite"):
        assert rows[f"{database}: rate, ours to floor"]["value"] > 0
        answers = [
            row for name, row in rows.items() if name.startswith(database) and "answers" in name
        ]
        assert [row["value"] for row in answers] == [0, 0]
    assert rows["page at the carrier, idle, first request, p50"]["value"] > 0
    assert rows["page at the carrier, 300 jobs waiting, first request, p50"]["value"] > 0
    assert rows["page: jobs of default still waiting then"]["ok"]
    for database in ("PostgreSQL", "SQLite"):
        for what in ("first ring", "gather step"):
            name = f"telephone, {database}"
            assert rows[f"{name}: rate, {what} to floor"]["value"] > 0
            assert rows[f"{name}: p99, {what} to floor"]["bound"] == 3.0
            wrong = f"{name}: {what}, of"
            assert [row["value"] for key, row in rows.items() if key.startswith(wrong)] == [0]
    assert rows["9 pressed to the first ring, 300 jobs waiting, p99"]["bound"] == 1000
    assert rows["9 pressed: jobs of default still waiting then"]["ok"]
    for database in ("PostgreSQL", "SQLite"):
        assert f"{database}: next callback, all ready, 500, p50" in rows
    assert any(name.startswith("20 texts/s") for name in rows)
