"""The checker of `make chaos` sees each broken promise that is planted, and nothing else."""

import ast
import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from helpline.store.tables import metadata
from tests.chaos import book, checker, promises, rows
from tests.chaos.world import Meant, World

PACKAGE = Path(checker.__file__).parent
INDEPENDENT = ("book", "rows", "world", "arrivals", "dials", "promises", "checker")
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CALLER, IN_DANGER, STAFF = "+12025550100", "+12025550101", "+12025570101"
DANGER, EMERGENCY = "i want to die", "he is not breathing"
KEPT = "We have your text but cannot answer it right now."
PROMISE = "We will call you within {MIN}."


def at(minutes: float) -> str:
    """A time as SQLite keeps it: before now."""
    return (NOW - timedelta(minutes=minutes)).replace(tzinfo=None).isoformat(" ")


def token(number: int) -> str:
    return f"{number:024x}"


@dataclass
class Recording:
    """What a run leaves behind: the carrier's events and the tables."""

    events: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seen: dict[tuple[str, int], int] = field(default_factory=dict)

    def event(self, kind: str, **detail: Any) -> None:
        self.events.append({"n": len(self.events) + 1, "kind": kind, **detail})

    def row(self, table: str, **values: Any) -> None:
        self.tables.setdefault(table, []).append(values)

    def of(self, table: str, row_id: int) -> dict[str, Any]:
        return next(row for row in self.tables[table] if row["id"] == row_id)

    def came(self, sid: str, phone: str, body: str, *answer: str, status: int | None = 200) -> None:
        """A text, its delivery and the answer."""
        self.event("text.sent", sid=sid, phone=phone, body=body)
        self.delivered(sid, *answer, status=status)

    def delivered(self, sid: str, *answer: str, status: int | None = 200) -> None:
        said = "".join(f"<Message><Body>{words}</Body></Message>" for words in answer)
        params = {"MessageSid": sid}
        url = "https://line.example.org/twilio/sms"
        self.event("webhook", webhook="sms", url=url, params=params, status=status,
                   answer=f"<Response>{said}</Response>")  # fmt: skip

    def called(self, sid: str, to: str, of: int, *states: str) -> None:
        for state in ("queued", *states):
            self.event("call.status", call=sid, to=to, direction="outbound-api", status=state,
                       callback=f"https://line.example.org/s?attempt={token(of)}")  # fmt: skip

    def texted(self, sid: str, to: str, of: int, body: str) -> None:
        self.event("message.status", message=sid, to=to, direction="outbound-api", status="queued",
                   body=body, callback=f"https://line.example.org/t?token={token(of)}")  # fmt: skip


def healthy() -> Recording:
    """A caller who waits for a call and was rung once, one in danger whose page was answered."""
    run = Recording()
    for conversation in (1, 2):
        run.row("conversation", id=conversation, caller_id=conversation + 10, wake_at=None)
    run.came("SM1", CALLER, "can someone call me", "We will call you within 60 min.")
    run.delivered("SM1", "We will call you within 60 min.")
    run.row("message", id=1, conversation_id=1, inbound=True, sid="SM1", created_at=at(9))
    run.row("case", id=1, caller_id=11, state="open", disposition=4, opened_at=at(9))
    run.row("callback", id=1, case_id=1, state="waiting", disposition=4, text_only=False,
            asked_at=at(9), due_at=at(-51), not_before=at(-20))  # fmt: skip
    run.row("attempt", id=1, token=token(1), leg="caller", case_id=1, callback_id=1,
            state="no-answer", sid="CA1")  # fmt: skip
    run.called("CA1", CALLER, 1, "ringing", "no-answer")
    run.texted("SM9", CALLER, 9, "You will get a call from us.")
    run.row("message", id=9, conversation_id=1, inbound=False, sid="SM9", token=token(9),
            created_at=at(8))  # fmt: skip
    run.row("outbox", id=9, kind="text", row_id=9, priority=2, state="done", due_at=at(8))

    run.came("SM2", IN_DANGER, DANGER, "Call 911 now.")
    run.row("message", id=2, conversation_id=2, inbound=True, sid="SM2", created_at=at(7))
    run.row("case", id=2, caller_id=12, state="open", disposition=6, opened_at=at(7))
    run.row("page", id=2, case_id=2, state="acknowledged", kind=6, reason="words", opened_at=at(7),
            acknowledged_at=at(6), acknowledged_by=1)  # fmt: skip
    run.row("attempt", id=2, token=token(2), leg="staff", case_id=2, page_id=2,
            state="completed", sid="CA2")  # fmt: skip
    run.called("CA2", STAFF, 2, "in-progress", "completed")
    return run


def found(run: Recording, folder: Path) -> set[str]:
    """The kinds that the checker reports, through a real file and a real database."""
    ledger, url = folder / "carrier.jsonl", f"sqlite:///{folder}/line.db"
    ledger.write_text("".join(json.dumps(event) + "\n" for event in run.events))
    engine = create_engine(url)
    with engine.begin() as connection:
        for table, columns in rows.COLUMNS.items():
            connection.execute(text(f'CREATE TABLE "{table}" ({", ".join(columns)})'))
            for row in run.tables.get(table, []):
                names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
                connection.execute(text(f'INSERT INTO "{table}" ({names}) VALUES ({values})'), row)  # noqa: S608
    engine.dispose()
    messages = folder / "en.yaml"
    messages.write_text(
        f'U2: {{sms: "{PROMISE}", promises_person: true}}\nKEPT: {{sms: "{KEPT}"}}\n'
    )
    meant = Meant(
        danger=frozenset({DANGER, EMERGENCY}),
        emergency=frozenset({EMERGENCY}),
        staff=frozenset({STAFF}),
        numbers=("911", "988"),
        now=NOW,
        promising=promises.promising(messages),
        standing_in=promises.standing_in([messages]),
        seen=run.seen,
    )
    world = World(book.read(ledger), rows.read(url), meant)
    return {violation.kind for violation in checker.check(world)}


PLANTS: dict[str, list[Callable[[Recording], object]]] = {}


def plants(kind: str) -> Callable[[Callable[[Recording], object]], Callable[[Recording], object]]:
    """Marks a function that breaks one promise."""

    def note(plant: Callable[[Recording], object]) -> Callable[[Recording], object]:
        PLANTS.setdefault(kind, []).append(plant)
        return plant

    return note


@plants("inbound lost")
def an_acknowledged_text_has_no_row(run: Recording) -> None:
    run.came("SM3", CALLER, "are you there")


@plants("inbound not fetched back")
def a_text_that_nobody_took_has_no_row(run: Recording) -> None:
    run.came("SM3", CALLER, "are you there", status=None)


@plants("inbound stored twice")
def a_text_has_two_rows(run: Recording) -> None:
    run.row("message", **run.of("message", 1) | {"id": 3})


@plants("inbound from nowhere")
def a_row_without_a_text(run: Recording) -> None:
    run.row("message", id=3, conversation_id=1, inbound=True, sid="SM3", created_at=at(5))


@plants("reply changed")
def a_repeat_is_answered_otherwise(run: Recording) -> None:
    run.delivered("SM1", "Sorry, we did not get that.")


@plants("replied twice")
def an_answer_is_sent_again_as_a_text(run: Recording) -> None:
    run.event("text.sent", sid="SM4", phone=CALLER, body="ok")
    run.delivered("SM4", "Thank you.")
    run.row("message", id=4, conversation_id=1, inbound=True, sid="SM4", created_at=at(5))
    run.texted("SM5", CALLER, 5, "Thank you.")
    run.row("message", id=5, conversation_id=1, inbound=False, token=token(5), created_at=at(5))


@plants("danger not answered")
def danger_gets_no_number(run: Recording) -> None:
    answered = next(event for event in run.events if "911" in event.get("answer", ""))
    answered["answer"] = "<Response/>"


@plants("danger not answered")
def an_emergency_while_held_gets_no_number(run: Recording) -> None:
    run.came("SM3", IN_DANGER, EMERGENCY)
    run.row("message", id=3, conversation_id=2, inbound=True, sid="SM3", created_at=at(4))
    _rings_again(run)


@plants("danger not paged")
def danger_has_no_page(run: Recording) -> None:
    run.tables["page"].clear()
    run.of("attempt", 2)["page_id"] = None
    run.of("conversation", 2)["wake_at"] = at(-5)


@plants("danger not paged")
def danger_after_the_page_was_answered_has_none(run: Recording) -> None:
    run.came("SM3", IN_DANGER, DANGER, "Call 911 now.")
    run.row("message", id=3, conversation_id=2, inbound=True, sid="SM3", created_at=at(4))


@plants("page never at the carrier")
def a_page_rings_nobody(run: Recording) -> None:
    run.events = [event for event in run.events if event.get("call") != "CA2"]
    run.of("page", 2).update(acknowledged_by=None, acknowledged_at=None, state="open",
                             next_at=at(-1))  # fmt: skip


@plants("page gave up")
def a_page_ends_without_a_human(run: Recording) -> None:
    run.of("page", 2).update(acknowledged_by=None, acknowledged_at=None, state="closed")
    run.of("conversation", 2)["wake_at"] = at(-5)


@plants("page gave up")
def an_open_page_has_no_next_step(run: Recording) -> None:
    run.of("page", 2).update(acknowledged_by=None, acknowledged_at=None, state="open")
    run.of("conversation", 2)["wake_at"] = at(-5)


@plants("page stands still")
def a_page_missed_its_step(run: Recording) -> None:
    run.of("page", 2).update(acknowledged_by=None, acknowledged_at=None, state="open",
                             next_at=at(3))  # fmt: skip


@plants("floor fell")
def danger_leaves_the_case_below_crisis(run: Recording) -> None:
    run.of("case", 2)["disposition"] = 4


@plants("floor fell")
def a_case_was_once_more_urgent(run: Recording) -> None:
    run.seen["case", 1] = 5


@plants("floor fell")
def a_call_is_more_urgent_than_its_case(run: Recording) -> None:
    run.of("callback", 1)["disposition"] = 5


@plants("webhook failed")
def the_line_breaks_down(run: Recording) -> None:
    url = "https://line.example.org/twilio/voice"
    run.event("webhook", webhook="voice", url=url, params={}, status=500)


@plants("carrier refused")
def the_line_asks_for_nonsense(run: Recording) -> None:
    run.event("violation", where="POST calls", code=21211, message="Invalid 'To' number")


@plants("two live dials")
def a_caller_is_rung_while_they_are_rung(run: Recording) -> None:
    first = next(event for event in run.events if event.get("status") == "no-answer")
    run.events.remove(first)
    run.row("attempt", **run.of("attempt", 1) | {"id": 3, "token": token(3), "sid": "CA3"})
    run.called("CA3", CALLER, 3, "no-answer")
    run.event("call.status", **{name: first[name] for name in first if name not in ("n", "kind")})


@plants("dialled twice")
def an_attempt_rings_a_caller_twice(run: Recording) -> None:
    run.called("CA3", CALLER, 1, "no-answer")


@plants("call without a row")
def a_call_is_made_from_nothing(run: Recording) -> None:
    run.called("CA3", CALLER, 3, "no-answer")


@plants("text sent twice")
def a_text_is_sent_twice(run: Recording) -> None:
    run.texted("SM3", CALLER, 9, "You will get a call from us.")


@plants("text without a row")
def a_text_is_made_from_nothing(run: Recording) -> None:
    run.texted("SM3", CALLER, 3, "hello")


def _direct(run: Recording, whom: int, *, to: str) -> None:
    """A call that was made without the database."""
    name = f"{token(5)}-1-{whom}-c4711"
    address = f"https://line.example.org/s?attempt={name}"
    run.event("call.status", call=f"CA{len(run.events)}", to=to, direction="outbound-api",
              status="completed", callback=address)  # fmt: skip


@plants("not to staff")
def a_call_without_the_database_rings_a_caller(run: Recording) -> None:
    _direct(run, 0, to=CALLER)


@plants("dialled twice")
def a_step_without_the_database_rings_twice(run: Recording) -> None:
    _direct(run, 1, to=STAFF)
    _direct(run, 1, to=STAFF)


@plants("effect left")
def an_effect_waits(run: Recording) -> None:
    run.of("outbox", 9).update(state="new", due_at=at(2))


@plants("effect left")
def an_effect_is_stuck(run: Recording) -> None:
    run.of("outbox", 9).update(state="claimed", claimed_until=at(2))


@plants("leg never closed")
def a_leg_is_over_only_at_the_carrier(run: Recording) -> None:
    run.of("attempt", 1)["state"] = "ringing"


@plants("promise without a row")
def a_promise_binds_nobody(run: Recording) -> None:
    run.tables["callback"].clear()
    run.of("case", 1)["state"] = "closed"


@plants("promise without a row")
def the_call_had_ended_when_it_was_promised(run: Recording) -> None:
    run.of("callback", 1).update(state="done", finished_at=at(10))
    run.of("case", 1)["state"] = "closed"


@plants("case without a clock")
def an_urgent_case_is_forgotten(run: Recording) -> None:
    run.of("callback", 1).update(state="done", finished_at=at(1))


@plants("case without a clock")
def its_call_waits_for_ever(run: Recording) -> None:
    run.of("callback", 1)["not_before"] = "9999-01-01 00:00:00"


@plants("deadline not heeded")
def a_deadline_passes_unseen(run: Recording) -> None:
    run.of("callback", 1)["due_at"] = at(3)


@plants("lease not heeded")
def a_lease_passes_unseen(run: Recording) -> None:
    run.of("callback", 1).update(state="claimed", lease_until=at(3))


@plants("silence not heeded")
def a_silence_passes_unseen(run: Recording) -> None:
    run.of("conversation", 1)["wake_at"] = at(3)


def _rings_again(run: Recording) -> None:
    run.row("page", id=3, case_id=2, state="acknowledged", kind=7, opened_at=at(4),
            acknowledged_at=at(3), acknowledged_by=1)  # fmt: skip


def test_a_minute_without_anybody_for_who_is_in_no_danger_is_an_offer(tmp_path: Path) -> None:
    run = healthy()
    run.row("page", id=4, case_id=1, state="closed", kind=4, reason="waits on the line",
            opened_at=at(8))  # fmt: skip
    assert found(run, tmp_path) == set()


def test_what_the_stand_in_says_is_no_broken_promise(tmp_path: Path) -> None:
    run = healthy()
    run.delivered("SM1", KEPT)
    _direct(run, 1, to=STAFF)
    assert found(run, tmp_path) == set()


def test_a_healthy_run_has_no_violations(tmp_path: Path) -> None:
    assert found(healthy(), tmp_path) == set()


def test_what_is_allowed_is_not_reported(tmp_path: Path) -> None:
    run = healthy()
    # A page may ring its person twice, a crisis text may be repeated.
    run.called("CA3", STAFF, 2, "completed")
    run.of("outbox", 9)["priority"] = 0
    run.texted("SM8", CALLER, 9, "You will get a call from us.")
    # While a human has the caller the machine is silent about a crisis; the page is opened again.
    run.came("SM3", IN_DANGER, DANGER)
    run.row("message", id=3, conversation_id=2, inbound=True, sid="SM3", created_at=at(4))
    _rings_again(run)
    # A call after the one before is over, and staff rung twice side by side.
    run.row("attempt", **run.of("attempt", 1) | {"id": 5, "token": token(5), "sid": "CA5"})
    run.called("CA5", CALLER, 5, "busy")
    assert found(run, tmp_path) == set()


@pytest.mark.parametrize(
    ("kind", "plant"),
    [
        pytest.param(kind, each, id=each.__name__)
        for kind, several in PLANTS.items()
        for each in several
    ],
)
def test_a_planted_violation_is_reported(
    kind: str, plant: Callable[[Recording], object], tmp_path: Path
) -> None:
    run = copy.deepcopy(healthy())
    plant(run)
    assert kind in found(run, tmp_path)


def test_every_kind_is_planted() -> None:
    sources = "".join((PACKAGE / f"{name}.py").read_text() for name in INDEPENDENT)
    named = set(re.findall(r'Violation\(\s*"([a-z ]+)"', sources))
    named |= {"inbound lost", "inbound not fetched back"}
    assert named == set(PLANTS)


def test_the_report_counts_and_names_what_broke(tmp_path: Path) -> None:
    run = healthy()
    an_urgent_case_is_forgotten(run)
    assert found(run, tmp_path) == {"case without a clock"}
    world = World(
        book.read(tmp_path / "carrier.jsonl"),
        rows.read(f"sqlite:///{tmp_path}/line.db"),
        Meant(frozenset(), frozenset(), frozenset({STAFF}), ("911",), NOW),
    )
    lines = list(checker.report(world, checker.check(world)))
    assert "BROKEN    case without a clock: 1" in lines
    assert "            case 1 at 4" in lines
    assert lines[-1] == "1 violations"


@pytest.mark.parametrize("name", INDEPENDENT)
def test_the_checker_shares_no_code_with_the_line(name: str) -> None:
    tree = ast.parse((PACKAGE / f"{name}.py").read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {
        each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names
    }
    roots = {str(module).partition(".")[0] for module in modules}
    assert not roots & {"helpline", "workers", "config"}
    own = {str(module) for module in modules if str(module).startswith("tests")}
    assert own <= {"tests.chaos"} | {f"tests.chaos.{known}" for known in INDEPENDENT}


def test_the_columns_it_reads_exist() -> None:
    for table, columns in rows.COLUMNS.items():
        if table in metadata.tables:
            assert set(columns) <= set(metadata.tables[table].columns.keys()), table
    assert set(rows.COLUMNS) - set(metadata.tables) <= {"follow_up"}
