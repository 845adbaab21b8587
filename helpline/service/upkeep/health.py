"""Is the line well? What is degraded, in words an operator can act on."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from helpline.runtime import BellBroken, Runtime, SpoolBroken
from helpline.service.outage import direct
from helpline.service.upkeep import invariants
from helpline.store import Transaction, journal, outbox, people

OUTBOX_LATE = timedelta(seconds=5)
BEAT_LATE = timedelta(seconds=15)
FAILURES_SHOWN = timedelta(days=1)

REASONS = {
    "NoSupervisor": "no supervisor: python -m helpline staff add --role supervisor",
    "NoStaff": "no staff: nobody can be paged",
    "NotSignedOff": "clinical sign-off is not recorded for this protocol",
    "OutboxOld": "effects wait longer than 5 s: are guard and workers running?",
    "EffectsFailed": "{count} effects failed in the last day: see the log",
    "GuardDead": "the guard shows no sign of life",
    "RedisAway": "Redis does not answer or REDIS_URL is not set: the guard does all work alone",
    "DatabaseAway": "the database does not answer: what comes in is kept in the spool",
    "NothingKept": "neither database nor spool can keep what comes in: the carrier's fallback acts",
    "SpoolNotEmpty": "{count} requests wait in the spool to be taken into the database",
    "SpoolAside": "{count} requests of the spool cannot be read: see the log",
    "SpoolUnreadable": "{count} notes on pages and on-call staff cannot be read: see the log",
}
"""What `/ready` may call degraded. The names are those of the alarms in
`deploy/prometheus/rules.yml` and of the sections of `docs/runbook.md`."""

LINE_AT_RISK = frozenset(REASONS) - {"NotSignedOff", "EffectsFailed"}
"""Of these none may hold while the outside watch is told that all is well."""


def list_degraded(rt: Runtime) -> list[str]:
    """Everything that is not as it should be; empty when all is well.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    return [REASONS[name].format(count=count) for name, count in list_reasons(rt)]


def list_reasons(rt: Runtime) -> list[tuple[str, int]]:
    """The names of `REASONS` that hold now, each with its count.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    now = rt.clock.now()
    with rt.store.read() as tx:
        found = [*_staffing(rt, tx), *_work(tx, now)]
    if not _is_bell_heard(rt):
        found.append(("RedisAway", 1))
    lengths = {
        "SpoolNotEmpty": rt.spool.length(),
        "SpoolAside": rt.spool.count_aside(),
        "SpoolUnreadable": direct.count_unreadable(rt),
    }
    return found + [(name, count) for name, count in lengths.items() if count]


def list_risks(rt: Runtime) -> list[str]:
    """The names of what puts the line at risk now; empty when an outside watch may rest.

    That is what `/ready` calls degraded, except what can wait, and every broken invariant.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    broken = [name for name, count in invariants.list_broken(rt).items() if count]
    return [name for name, _ in list_reasons(rt) if name in LINE_AT_RISK] + broken


def is_signed_off(rt: Runtime) -> bool:
    """Has a clinician signed this version of the protocol?"""
    with rt.store.read() as tx:
        return journal.is_signed(tx, f"protocol@{rt.protocol.hash}")


def can_spool(rt: Runtime) -> bool:
    """Could a request be kept on this machine's disk now?"""
    try:
        rt.spool.probe()
    except SpoolBroken:
        return False
    return True


def list_without_database(spooling: bool) -> list[str]:
    """What `/ready` says while the database does not answer."""
    return [REASONS["DatabaseAway" if spooling else "NothingKept"]]


def is_guard_silent(rt: Runtime) -> bool:
    """Has the guard shown no sign of life for too long?"""
    with rt.store.read() as tx:
        return _is_silent(tx, rt.clock.now())


def _staffing(rt: Runtime, tx: Transaction) -> Iterator[tuple[str, int]]:
    if not people.list_supervisors(tx):
        yield "NoSupervisor", 1
    if not people.list_active(tx):
        yield "NoStaff", 1
    if not journal.is_signed(tx, f"protocol@{rt.protocol.hash}"):
        yield "NotSignedOff", 1


def _work(tx: Transaction, now: datetime) -> Iterator[tuple[str, int]]:
    oldest = outbox.oldest_due(tx, now)
    if oldest is not None and now - oldest > OUTBOX_LATE:
        yield "OutboxOld", 1
    failed = outbox.count_failed(tx, now - FAILURES_SHOWN)
    if failed:
        yield "EffectsFailed", failed
    if _is_silent(tx, now):
        yield "GuardDead", 1


def _is_silent(tx: Transaction, now: datetime) -> bool:
    beat = journal.list_beats(tx).get("guard")
    return beat is None or now - beat > BEAT_LATE


def _is_bell_heard(rt: Runtime) -> bool:
    try:
        rt.bell.waiting("crisis")
    except BellBroken:
        return False
    return True
