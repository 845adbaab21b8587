"""However many receipts come, and however slow the database is: a text of danger has a thread."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from helpline.service.sending import receipts
from helpline.store import Store
from helpline.web.edge import RECEIPTS_AT_ONCE
from tests.builders import LINE_NUMBER, Scene
from tests.test_processes import eventually
from tests.web.signed import client_of, post

THREADS = 2 * 8
"""Of one process, by default."""


@pytest.fixture
def scene(sqlite_store: Store) -> Iterator[Scene]:
    made = Scene(sqlite_store)
    yield made
    made.connections.forget()


def receipt(number: int) -> MultiDict[str, str]:
    return MultiDict({"MessageSid": f"SM{number:032x}", "MessageStatus": "delivered"})


def danger() -> MultiDict[str, str]:
    return MultiDict(
        {
            "MessageSid": "SM" + "4" * 32,
            "From": "+12025560777",
            "To": LINE_NUMBER,
            "Body": "i want to kill myself",
        }
    )


def test_receipts_that_hang_leave_threads_for_danger(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, inside = threading.Event(), []

    def hangs(*told: Any) -> None:
        inside.append(told[1])
        goes_on.wait(30)

    client = client_of(scene.rt)
    reported = receipts.text_reported
    monkeypatch.setattr(receipts, "text_reported", hangs)

    def told(number: int) -> int:
        return int(post(client_of_app(client), "/twilio/sms/status", receipt(number)).status_code)

    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(told, number) for number in range(3 * THREADS)]
        eventually(lambda: len(inside) == RECEIPTS_AT_ONCE, 20)
        answer = pool.submit(post, client_of_app(client), "/twilio/sms", danger()).result(20)
        assert answer.status_code == 200
        assert b"988" in answer.data
        eventually(lambda: sum(one.done() for one in asked) == len(asked) - RECEIPTS_AT_ONCE, 20)
        goes_on.set()
        answers = [one.result(20) for one in asked]
    assert answers.count(204) == RECEIPTS_AT_ONCE
    assert answers.count(503) == len(answers) - RECEIPTS_AT_ONCE
    monkeypatch.setattr(receipts, "text_reported", reported)
    assert told(99) == 204, "and every place is free again"


def client_of_app(client: Any) -> Any:
    """A client of its own for each thread."""
    return client.application.test_client()


def test_a_receipt_that_breaks_gives_its_place_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_told: Any) -> None:
        raise RuntimeError("ours")

    client = client_of(scene.rt)
    reported = receipts.text_reported
    monkeypatch.setattr(receipts, "text_reported", breaks)
    for number in range(2 * RECEIPTS_AT_ONCE):
        post(client, "/twilio/sms/status", receipt(number))
    monkeypatch.setattr(receipts, "text_reported", reported)
    assert post(client, "/twilio/sms/status", receipt(99)).status_code == 204
