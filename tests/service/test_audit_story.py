"""Whatever moves a page or a callback leaves an entry: nothing happens unseen."""

from helpline.domain.delivery import LegState
from helpline.store.tables import audit, callback, page
from tests.builders import Scene, report


def _states(scene: Scene) -> dict[tuple[str, int], tuple[object, ...]]:
    found: dict[tuple[str, int], tuple[object, ...]] = {
        ("page", row["id"]): (row["state"], row["step"]) for row in scene.rows(page)
    }
    return found | {
        ("callback", row["id"]): (row["state"], row["tries"]) for row in scene.rows(callback)
    }


def test_each_step_of_a_ladder_and_who_took_it(scene: Scene) -> None:
    ana, ben = scene.staff("Ana"), scene.staff("Ben", tier=2)
    scene.staff("Dora", role="supervisor")
    phone = scene.phone()
    phone.texts("I want to kill myself", after=0)
    phone.unread_answers = False
    scene.work()
    seen = _states(scene)
    moved = 0
    for _ in range(4):
        before = len(scene.rows(audit))
        scene.passes(60, step=60)
        now = _states(scene)
        noted = {(row["subject"], row["subject_id"]) for row in scene.rows(audit)[before:]}
        for row, state in now.items():
            if state != seen.get(row) and row[0] == "page":
                moved += 1
                assert row in noted, f"{row} went from {seen.get(row)} to {state} unseen"
        seen = now
    assert moved >= 3
    report(scene, ana.rings()[-1], LegState.RINGING, LegState.ANSWERED)
    ana.presses("2")
    ben.presses("1")
    acts = [(row["actor"], row["action"], row["subject"]) for row in scene.rows(audit)]
    assert (f"staff:{ana.id}", "passed", "page") in acts
    assert (f"staff:{ben.id}", "acknowledged", "page") in acts
    assert (f"staff:{ben.id}", "taken", "callback") in acts
    phone.read = len(scene.carrier.texts_to(phone.number))
