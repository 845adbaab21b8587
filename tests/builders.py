"""Real databases and a line with a fake carrier, bell and clock: what use cases are tested with.

`scene.phone()` tells a caller's story (`phone.texts("hi").expects("Life at risk")`) and fails
on every text that the story did not expect; `scene.staff()` is a member of staff.
"""

import itertools
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, QueuePool, Table, bindparam, event, select

from helpline.domain.delivery import CallOrder, LegState
from helpline.domain.disposition import Disposition
from helpline.domain.pace import Rate
from helpline.domain.phone import PhoneNumber
from helpline.domain.progress import Progress
from helpline.domain.protocol import Protocol
from helpline.domain.said import CarrierWord
from helpline.domain.speech import CallStep
from helpline.runtime import Line, Runtime
from helpline.service import (
    correspondence,
    deadlines,
    dispatch,
    escalation,
    intake,
    readiness,
    reopening,
    silence,
)
from helpline.service.calls import legs, page_leg, staff_leg
from helpline.spool import FileSpool
from helpline.store import KeyRing, Store, Transaction, cases, conversations, open_engine, people
from helpline.store import callbacks as promises
from helpline.store.conversations import Place
from helpline.store.migrate import upgrade
from helpline.store.tables import attempt, metadata, outbox
from tests import services
from tests.fakes import AFTERNOON, FakeBell, FakeCarrier, FakeClock, OpenConnections
from tests.phone import protocol

_FOLDER = tempfile.TemporaryDirectory(prefix="helpline-tests-")
"""For what no test looks at; it goes when the process does."""

KEYS = KeyRing(
    ("dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk=",), "index key of the tests, long enough"
)
LINE_NUMBER = "+12025550100"
VOICE_NUMBER = "+12025550101"
OUR_LINE = Line(
    org="Harbor",
    role="counselor",
    url="https://harbor.example",
    country="US",
    sms_numbers=(PhoneNumber(LINE_NUMBER),),
    voice_numbers=(PhoneNumber(VOICE_NUMBER),),
    practice=True,
)
FAST = Rate(per_second=1000, burst=1000)
"""Stories are told with a clock that stands still: pace has tests of its own."""
_NOW = bindparam("now", type_=outbox.c.due_at.type)
_NEXT_DUE = (
    select(outbox.c.id)
    .where(
        outbox.c.due_at <= _NOW,
        (outbox.c.state == "new")
        | ((outbox.c.state == "claimed") & (outbox.c.claimed_until < _NOW)),
    )
    .order_by(outbox.c.priority, outbox.c.id)
    .limit(1)
)
ON_BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


# --- databases -------------------------------------------------------------------


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    made = Store(open_engine(f"sqlite:///{path}", KEYS), KEYS)
    upgrade(made)
    with made.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    made.dispose()
    return path


@pytest.fixture(scope="session")
def _migrated_postgres(postgres_url: str) -> Iterator[str]:
    with services.fresh_database(postgres_url) as url:
        made = Store(open_engine(url, KEYS), KEYS)
        upgrade(made)
        made.dispose()
        yield url


@pytest.fixture(scope="session")
def _sqlite_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """For all tests of this process, each with a file of its own: statements compile once."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'line.db'}", KEYS)

    @event.listens_for(engine, "connect")
    def _hurry(connection: Any, _record: Any) -> None:
        # Nobody pulls the plug of these; the lines of tests/scenarios are as durable as real ones.
        connection.execute("PRAGMA synchronous=OFF")

    return engine


@pytest.fixture
def sqlite_store(_migrated_sqlite: Path, _sqlite_engine: Engine) -> Iterator[Store]:
    """An empty SQLite database of this test."""
    path = Path(_sqlite_engine.url.database or "")
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    shutil.copy(_migrated_sqlite, path)
    made = Store(_sqlite_engine, KEYS)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def _postgres_store(_migrated_postgres: str) -> Iterator[Store]:
    made = Store(open_engine(_migrated_postgres, KEYS, pool_size=16), KEYS)
    yield made
    made.dispose()


@pytest.fixture
def postgres_store(_postgres_store: Store) -> Iterator[Store]:
    """An empty PostgreSQL database; emptied again for the next test of this process."""
    yield _postgres_store
    pool = _postgres_store.engine.pool
    assert isinstance(pool, QueuePool)
    if pool.checkedout():
        # Somebody kept a connection, maybe in the middle of a transaction.
        _postgres_store.dispose()
    empty(_postgres_store)


@pytest.fixture(params=ON_BOTH)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty, migrated, real database: each test runs on SQLite and on PostgreSQL."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


def empty(store: Store) -> None:
    """Throw every row away."""
    with store.begin() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.connection.execute(table.delete())


def rows(store: Store, table: Table) -> list[dict[str, Any]]:
    """All rows of a table, oldest first, opened."""
    with store.read() as tx:
        found = tx.connection.execute(select(table).order_by(next(iter(table.primary_key))))
        return [dict(row._mapping) for row in found]


def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""
    return {table.name: rows(store, table) for table in metadata.sorted_tables}


# --- threads ---------------------------------------------------------------------


def race(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of these at the same moment, each in a thread; their answers in order."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait(10)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(30) for future in [pool.submit(run, act) for act in acts]]


# --- the line --------------------------------------------------------------------


def at_pace(rate: Rate) -> Protocol:
    """The real protocol with this rate for calls and texts."""
    known = protocol()
    outbound = replace(known.outbound, calls=rate, texts_of_number=rate, texts=rate)
    return replace(known, outbound=outbound)


def make_runtime(
    store: Store,
    *,
    carrier: FakeCarrier | None = None,
    bell: FakeBell | None = None,
    clock: FakeClock | None = None,
    line: Line = OUR_LINE,
    spool: Path | None = None,
) -> Runtime:
    """The runtime of a line with the real protocol and a real database."""
    return Runtime(
        store=store,
        carrier=carrier or FakeCarrier(),
        bell=bell or FakeBell(),
        clock=clock or FakeClock(),
        protocol=at_pace(FAST),
        line=line,
        spool=FileSpool(spool or Path(_FOLDER.name, uuid4().hex), KEYS),
    )


class Scene:
    """A line with its callers and staff; time passes only when told."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.connections = OpenConnections(store.engine)
        self.carrier = FakeCarrier(self.connections)
        self.bell = FakeBell()
        self.clock = FakeClock()
        self.rt = make_runtime(store, carrier=self.carrier, bell=self.bell, clock=self.clock)
        self.phones: list[Phone] = []
        self._numbers = itertools.count(1)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def number(self) -> str:
        return f"+1202556{next(self._numbers):04}"

    def rows(self, table: Table) -> list[dict[str, Any]]:
        return rows(self.store, table)

    def only(self, table: Table, **wanted: object) -> dict[str, Any]:
        """The one row of a table that looks like this."""
        found = [
            row
            for row in self.rows(table)
            if all(row[name] == value for name, value in wanted.items())
        ]
        assert len(found) == 1, f"{len(found)} rows of {table.name} with {wanted}: {found}"
        return found[0]

    def phone(self, number: str | None = None) -> "Phone":
        made = Phone(self, number or self.number())
        self.phones.append(made)
        return made

    def staff(
        self,
        name: str = "Ana",
        *,
        role: str = "specialist",
        tier: int = 1,
        languages: Sequence[str] = ("en",),
        available: bool = True,
        idle_since: datetime | None = None,
    ) -> "StaffPhone":
        number = self.number()
        with self.store.begin() as tx:
            staff_id = people.add(
                tx,
                name=name,
                phone=PhoneNumber(number),
                role=role,
                languages=languages,
                tier=tier,
                now=idle_since or self.now,
            )
            people.set_presence(tx, staff_id, available=available)
        return StaffPhone(self, number, staff_id)

    def work(self) -> int:
        """The workers do everything that is due, the most urgent first; how much that was."""
        done = 0
        for _ in range(500):
            with self.store.read() as tx:
                first = tx.connection.execute(_NEXT_DUE, {"now": self.now}).scalar()
            if first is None:
                return done
            done += dispatch.deliver(self.rt, first)
        raise AssertionError("the outbox never empties: something writes effects in a circle")

    def guard(self) -> None:
        """One round of the guard's clocks."""
        escalation.climb_due(self.rt)
        silence.wake_due(self.rt)
        deadlines.expire_leases(self.rt)
        deadlines.warn_early(self.rt)
        deadlines.watch(self.rt)
        reopening.reopen_without_outcome(self.rt)
        correspondence.page_for_silent_holders(self.rt)
        readiness.keep(self.rt)

    def passes(self, seconds: float, *, step: float = 30) -> "Scene":
        """Time passes while guard and workers work."""
        left = seconds
        while left > 0:
            self.clock.advance(min(step, left))
            left -= step
            self.guard()
            self.work()
        return self

    def finish(self) -> None:
        """At the end of a story nobody may have a text that was not expected."""
        self.connections.forget()
        for phone in self.phones:
            phone.nothing_unread()


class Phone:
    """A caller's phone. Every text that reaches it must be expected."""

    def __init__(self, scene: Scene, number: str) -> None:
        self.scene = scene
        self.number = number
        self.line = LINE_NUMBER
        self.answers: tuple[str, ...] = ()
        self.read = 0
        self.unread_answers = False
        self.sid = ""
        self._sids = itertools.count(1)

    def incoming(self, body: str, **more: Any) -> intake.IncomingText:
        sid = more.pop("sid", None) or f"SM{self.number[-10:]}{next(self._sids):022x}"
        return intake.IncomingText(
            sid=sid, sender=self.number, recipient=self.line, body=body, **more
        )

    def texts(
        self,
        body: str,
        *,
        after: float = 100,
        answered: CarrierWord | None = None,
        **more: Any,
    ) -> "Phone":
        self.nothing_unread()
        self.scene.clock.advance(after)
        text = self.incoming(body, answered=answered, **more)
        self.answers = intake.receive(self.scene.rt, text).texts
        self.sid = text.sid
        self.unread_answers = bool(self.answers)
        return self

    def expects(self, *wanted: str) -> "Phone":
        """Exactly these answers came, each with these words in it."""
        assert len(self.answers) == len(wanted), f"expected {wanted}, got {self.answers}"
        for part, answer in zip(wanted, self.answers, strict=True):
            assert part in answer, f"expected {part!r} in {answer!r}"
        self.unread_answers = False
        return self

    def expects_words(self, *parts: str) -> "Phone":
        """The answers hold these words, however many there are."""
        together = "\n".join(self.answers)
        for part in parts:
            assert part in together, f"expected {part!r} in {self.answers}"
        self.unread_answers = False
        return self

    def is_texted(self, *wanted: str) -> "Phone":
        """Exactly these texts came since the last look."""
        came = self.scene.carrier.texts_to(self.number)[self.read :]
        self.read += len(came)
        assert len(came) == len(wanted), f"expected {wanted}, got {came}"
        for part, text in zip(wanted, came, strict=True):
            assert part in text, f"expected {part!r} in {text!r}"
        return self

    def nothing_unread(self) -> None:
        came = self.scene.carrier.texts_to(self.number)[self.read :]
        assert not came, f"unexpected texts: {came}"
        assert not self.unread_answers, f"unexpected answers: {self.answers}"

    @property
    def progress(self) -> Progress:
        with self.scene.store.read() as tx:
            place = conversations.lock(tx, self.number, self.line)
        return Progress.from_json(place.progress) if place and place.progress else Progress()

    def rings(self) -> list[CallOrder]:
        return self.scene.carrier.calls_to(self.number)

    @property
    def leg(self) -> dict[str, Any]:
        """The newest leg to the caller."""
        return _leg_of(self.scene, self.rings())


class StaffPhone:
    """The telephone of a member of staff."""

    def __init__(self, scene: Scene, number: str, staff_id: int) -> None:
        self.scene = scene
        self.number = number
        self.id = staff_id

    def rings(self) -> list[CallOrder]:
        return self.scene.carrier.calls_to(self.number)

    def texts_got(self) -> list[str]:
        return self.scene.carrier.texts_to(self.number)

    @property
    def token(self) -> str:
        """The opaque id of the leg that rang last."""
        return self.rings()[-1].token

    @property
    def leg(self) -> dict[str, Any]:
        return _leg_of(self.scene, self.rings())

    def presses(self, digits: str | None, token: str | None = None) -> tuple[CallStep, ...]:
        """Picks up and presses: the callback's or the page's question, whichever rang."""
        order = self.rings()[-1]
        choose = page_leg.chosen if order.entrance.endswith("/page") else staff_leg.chosen
        return choose(self.scene.rt, token or order.token, digits)

    def texts(self, body: str) -> tuple[str, ...]:
        self.scene.clock.advance(1)
        sid = f"SM{self.id:08x}{int(self.scene.now.timestamp() * 1000):024x}"
        text = intake.IncomingText(sid, self.number, LINE_NUMBER, body)
        return intake.receive(self.scene.rt, text).texts


def _leg_of(scene: Scene, rung: list[CallOrder]) -> dict[str, Any]:
    assert rung, "nobody rang this telephone"
    return scene.only(attempt, token=rung[-1].token)


def report(scene: Scene, order: CallOrder, *states: LegState) -> None:
    """The carrier tells how a leg went."""
    leg = scene.only(attempt, token=order.token)
    for state in states:
        legs.reported(scene.rt, order.token, leg["sid"], state)


# --- rows without a story --------------------------------------------------------


def place_of(
    tx: Transaction,
    number: str = "+12025560001",
    line: str = LINE_NUMBER,
    now: datetime = AFTERNOON,
) -> Place:
    """A conversation."""
    found = conversations.lock(tx, number, line)
    return found or conversations.create(tx, number, line, whatsapp=False, now=now)


def case_of(
    tx: Transaction,
    place: Place,
    disposition: Disposition = Disposition.SOON,
    now: datetime = AFTERNOON,
) -> cases.Case:
    """Its open case."""
    return cases.open_or_raise(
        tx,
        conversation_id=place.conversation_id,
        caller_id=place.caller_id,
        disposition=disposition,
        protocol_hash="test",
        now=now,
    )


_TOKENS = itertools.count(1)


def promise_of(
    tx: Transaction,
    place: Place,
    case: cases.Case | None = None,
    disposition: Disposition = Disposition.SOON,
    **more: Any,
) -> int:
    """Its callback."""
    case = case or case_of(tx, place, disposition)
    values: dict[str, Any] = {
        "token": f"t{next(_TOKENS):011x}",
        "language": "en",
        "due_at": AFTERNOON,
        "not_before": AFTERNOON,
        "now": AFTERNOON,
    }
    return promises.promise(
        tx,
        case_id=case.id,
        caller_id=place.caller_id,
        conversation_id=place.conversation_id,
        disposition=disposition,
        **(values | more),
    )


def staff_of(
    tx: Transaction, number: str = "+12025569001", now: datetime = AFTERNOON, **more: Any
) -> int:
    """A member of staff."""
    values: dict[str, Any] = {
        "name": "Ana", "role": "specialist", "languages": ("en",), "tier": 1,
    }  # fmt: skip
    return people.add(tx, phone=PhoneNumber(number), now=now, **(values | more))
