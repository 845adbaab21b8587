"""Seals over the record of acts: each is a keyed hash over its entries and the seal before.

Entries are written by many processes at once, so they are not chained one by one: what is old
enough to be complete is sealed in one go. An entry that is changed, taken out or slipped in
later breaks the seal over it, and with it every seal after.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from helpline.store.database import Transaction
from helpline.store.tables import audit, seal
from helpline.store.upsert import insert_quietly

BATCH = 5000
"""So many entries are under one seal at the most."""


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal: over the entries after the seal before, up to `last_id`."""

    id: int
    last_id: int
    entries: int
    digest: str
    at: datetime


_COLUMNS = select(seal.c.id, seal.c.last_id, seal.c.entries, seal.c.digest, seal.c.at)


def find_last(tx: Transaction) -> Seal | None:
    """The newest seal."""
    row = tx.connection.execute(_COLUMNS.order_by(seal.c.id.desc()).limit(1)).first()
    return None if row is None else Seal(*row)


def list_all(tx: Transaction) -> Iterator[Seal]:
    """Every seal, the oldest first."""
    for row in tx.connection.execute(_COLUMNS.order_by(seal.c.id)):
        yield Seal(*row)


def newest_entry(tx: Transaction) -> int:
    """The id of the newest entry, 0 when there is none."""
    return int(tx.connection.execute(select(func.max(audit.c.id))).scalar_one() or 0)


def put(tx: Transaction, up_to: int, now: datetime) -> bool:
    """Seal what is not sealed yet, up to this id; False when there is nothing, or a rival did."""
    last = find_last(tx)
    after = last.last_id if last else 0
    end = min(up_to, after + BATCH)
    if end <= after:
        return False
    digest, entries = measure(tx, after, end, last.digest if last else "")
    made = insert_quietly(
        tx, seal, after_id=after, last_id=end, entries=entries, digest=digest, at=now
    )
    return made is not None


def measure(tx: Transaction, after: int, end: int, before: str) -> tuple[str, int]:
    """(keyed hash, count) of the entries after one id up to another, chained to `before`."""
    rows = tx.connection.execute(
        select(
            audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject,
            audit.c.subject_id, audit.c.detail,
        ).where(audit.c.id > after, audit.c.id <= end).order_by(audit.c.id)
    )  # fmt: skip
    total = hashlib.sha256(before.encode())
    count = 0
    for row in rows:
        known = [row.id, row.at.isoformat(), *row[2:6], row.detail]
        total.update(json.dumps(known, sort_keys=True, ensure_ascii=False).encode())
        count += 1
    return tx.keys.index(f"seal:{total.hexdigest()}"), count


def count_unsealed(tx: Transaction, after: int) -> int:
    """Entries that no seal covers yet."""
    counted = select(func.count(audit.c.id)).where(audit.c.id > after)
    return int(tx.connection.execute(counted).scalar_one())
