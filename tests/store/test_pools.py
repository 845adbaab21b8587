"""Connections: as many as there are threads, never shared across a fork."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from helpline.store import Store, open_engine
from tests.builders import KEYS


def test_on_sqlite_nobody_waits_for_a_connection(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path / 'many.db'}", KEYS, pool_size=2), KEYS)
    with ExitStack() as readers:
        for _ in range(40):
            readers.enter_context(store.read())
    store.dispose()


def test_glances_have_as_many_connections_as_transactions(postgres_database: str) -> None:
    store = Store(open_engine(postgres_database, KEYS, pool_size=12), KEYS)
    with ExitStack() as glances:
        for _ in range(24):
            glances.enter_context(store.glance())
    store.dispose()


@pytest.mark.parametrize("road", ["read", "glance"])
def test_no_connection_is_closed_between_two_texts(postgres_database: str, road: str) -> None:
    store = Store(open_engine(postgres_database, KEYS, pool_size=2), KEYS)
    servers = [_servers(store, road), _servers(store, road)]
    assert servers[0] == servers[1]
    assert len(servers[0]) == 4
    store.dispose()


def _servers(store: Store, road: str) -> set[int]:
    """The server processes behind as many connections as may be open at once."""
    with ExitStack() as lent:
        taken = [lent.enter_context(getattr(store, road)()) for _ in range(4)]
        return {tx.cursor().connection.info.backend_pid for tx in taken}


@pytest.mark.parametrize("road", ["read", "glance"])
def test_a_fork_leaves_every_connection_to_its_parent(postgres_database: str, road: str) -> None:
    store = Store(open_engine(postgres_database, KEYS), KEYS)
    with getattr(store, road)():
        pass
    idle = [store.engine.pool, store._glances.pool]
    store.leave_to_parent()
    assert [pool for pool in idle if pool in {store.engine.pool, store._glances.pool}] == []
    with getattr(store, road)():
        pass
    store.dispose()
    for pool in idle:
        pool.dispose()
