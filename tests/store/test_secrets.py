"""Neither a number nor a word can be read from the database; keys rotate; a wrong key says so."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from helpline.domain.phone import PhoneNumber
from helpline.store import KeyRing, Sealed, Store, conversations, journal, messages, open_engine
from helpline.store import callbacks as promises
from helpline.store.tables import metadata
from tests.builders import KEYS, case_of, place_of, promise_of, rows, staff_of
from tests.fakes import AFTERNOON

NUMBER, SAFE_NUMBER, STAFF_NUMBER = "+12025560042", "+12025560043", "+12025560044"
SECRETS = (
    *(NUMBER, SAFE_NUMBER, STAFF_NUMBER),
    *("my bladder hurts so much", "we hear you", "Anastasia", "tell nobody my name is Robin"),
    "Dr Penelope",
)
INDEX_KEY = "index key of the tests, long enough"


def fill(store: Store) -> None:
    with store.begin() as tx:
        place = place_of(tx, NUMBER)
        case = case_of(tx, place)
        promise_of(tx, place, case, phone=PhoneNumber(SAFE_NUMBER))
        staff_of(tx, STAFF_NUMBER, name="Anastasia")
        messages.keep_inbound(
            tx, conversation_id=place.conversation_id, sid="SM1", body=SECRETS[3],
            answer=(SECRETS[4],), media=0, level=0, now=AFTERNOON,
        )  # fmt: skip
        messages.plan(
            tx, token="t", body=SECRETS[3], now=AFTERNOON, conversation_id=place.conversation_id
        )
        conversations.save(
            tx, place, '{"words":{"name":"' + SECRETS[6] + '"}}', wake_at=None,
            heard_at=AFTERNOON, whatsapp=False,
        )  # fmt: skip
        journal.sign(tx, by=SECRETS[7], role="psychiatrist", covers="protocol@1", now=AFTERNOON)
        journal.note(tx, "rang", "case", case.id, now=AFTERNOON, call="CA1")


def raw(store: Store) -> Iterator[bytes]:
    """Everything the database holds, as it lies there."""
    if store.engine.dialect.name == "sqlite":
        path = store.engine.url.database
        assert path
        for suffix in ("", "-wal"):
            with open(path + suffix, "rb") as file:
                yield file.read()
        return
    with store.engine.connect() as connection:
        for table in metadata.tables:
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608
                for value in row:
                    yield bytes(value) if isinstance(value, memoryview) else repr(value).encode()


def test_nothing_can_be_read_from_the_raw_database(store: Store) -> None:
    fill(store)
    whole = b"\0".join(raw(store))
    assert b"en" in whole
    assert b"CA1" in whole, "the scan sees what is stored in the clear"
    for secret in SECRETS:
        for form in (secret.encode(), secret.lstrip("+").encode(), secret.encode("utf-16-le")):
            assert form not in whole, secret
    assert not re.search(rb"\+?12025560\d{3}", whole)
    for table in metadata.tables:
        with store.read() as tx:
            tx.connection.execute(text(f'SELECT count(*) FROM "{table}"'))  # noqa: S608


def ring(*keys: str, index: str = INDEX_KEY) -> KeyRing:
    return KeyRing(keys, index)


def reopened(store: Store, keys: KeyRing) -> Store:
    url = store.engine.url.render_as_string(hide_password=False)
    return Store(open_engine(url, keys), keys)


@pytest.fixture
def other(store: Store, request: pytest.FixtureRequest) -> Iterator[list[Store]]:
    opened: list[Store] = []
    yield opened
    for one in opened:
        one.dispose()


def test_keys_rotate(store: Store, other: list[Store]) -> None:
    fill(store)
    old, new = "dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk=", Fernet.generate_key().decode()
    rotated = reopened(store, ring(new, old))
    other.append(rotated)
    assert rows(rotated, metadata.tables["caller"])[0]["address"] == NUMBER
    with rotated.begin() as tx:
        assert conversations.lock(tx, NUMBER, "+12025550100"), "the index does not rotate with it"
        place_of(tx, "+12025560099")
    only_new = reopened(store, ring(new))
    other.append(only_new)
    with only_new.begin() as tx:
        found = conversations.lock(tx, "+12025560099", "+12025550100")
        assert found
        assert found.address == "+12025560099"


def test_a_wrong_key_says_so(store: Store, other: list[Store]) -> None:
    fill(store)
    wrong = reopened(store, ring(Fernet.generate_key().decode()))
    other.append(wrong)
    with pytest.raises(Sealed), wrong.begin() as tx:
        conversations.lock(tx, NUMBER, "+12025550100")


def test_another_index_key_finds_nobody(store: Store, other: list[Store]) -> None:
    fill(store)
    one = reopened(store, ring("dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk=", index="x" * 32))
    other.append(one)
    with one.begin() as tx:
        assert conversations.lock(tx, NUMBER, "+12025550100") is None


def test_the_same_words_never_look_the_same_twice() -> None:
    assert KEYS.seal("hi") != KEYS.seal("hi")
    assert KEYS.open(KEYS.seal("héllo 🐴")) == "héllo 🐴"
    assert KEYS.open(KEYS.seal("lone \ud800 half")) == "lone ? half"
    assert KEYS.index(NUMBER) == KEYS.index(NUMBER) != KEYS.index(SAFE_NUMBER)


def test_times_come_back_aware_and_naive_ones_are_refused(store: Store) -> None:
    with store.begin() as tx:
        callback_id = promise_of(tx, place_of(tx), due_at=AFTERNOON)
        found = promises.find(tx, callback_id)
    assert found
    assert found.due_at == AFTERNOON
    assert found.due_at.tzinfo is UTC
    with pytest.raises(Exception, match="without a zone"), store.begin() as tx:
        place_of(tx, "+12025560050", now=datetime(2026, 1, 1))  # noqa: DTZ001
