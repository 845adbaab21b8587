"""The drill's call over signed webhooks, and what `/ready` says without a database."""

import pytest
from werkzeug.datastructures import MultiDict

from helpline.service.upkeep import drill, health
from helpline.store import Store
from tests.builders import Scene
from tests.web.signed import client_of, post


def test_a_drill_is_answered_over_the_telephone(store: Store) -> None:
    scene = Scene(store)
    ana = scene.staff()
    number = drill.start(scene.rt)
    scene.work()
    client = client_of(scene.rt)
    form = MultiDict({"CallSid": "CA" + "1" * 32, "From": "+12025550101", "To": ana.number})
    picked_up = post(client, f"/twilio/voice/drill?attempt={ana.token}", form)
    assert picked_up.status_code == 200
    assert "drill" in picked_up.text
    assert f"/twilio/voice/drill/choice?attempt={ana.token}" in picked_up.text
    pressed = MultiDict([*form.items(), ("Digits", "1")])
    assert (
        "counted" in post(client, f"/twilio/voice/drill/choice?attempt={ana.token}", pressed).text
    )
    assert drill.look(scene.rt, number).count == 1
    forged = post(client, f"/twilio/voice/drill?attempt={ana.token}", form, signature="x")
    assert forged.status_code == 403
    scene.finish()


@pytest.mark.parametrize(("kept", "status"), [(True, 200), (False, 503)])
def test_ready_without_a_database(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, kept: bool, status: int
) -> None:
    from sqlalchemy.exc import OperationalError

    def away(_rt: object) -> list[str]:
        raise OperationalError("select", {}, Exception("away"))

    scene = Scene(sqlite_store)
    monkeypatch.setattr(health, "list_degraded", away)
    monkeypatch.setattr(health, "can_spool", lambda _rt: kept)
    answer = client_of(scene.rt).get("/ready")
    assert answer.status_code == status
    reason = "DatabaseAway" if kept else "NothingKept"
    assert answer.json == {"ready": kept, "degraded": [health.REASONS[reason]]}
    scene.finish()
