"""How stories of people in need begin, and what is asked at their end."""

from helpline.domain.delivery import LegState
from helpline.domain.speech import Join
from helpline.service.calls import caller_leg, doorstep
from helpline.service.upkeep import invariants
from helpline.store import conversations, tables
from tests.builders import LINE_NUMBER, Phone, Scene, StaffPhone, report

PICKED_UP = (LegState.QUEUED, LegState.RINGING, LegState.ANSWERED)
CRISIS = "I want to kill myself tonight"
OTHER_LINE = "+12025550102"


def writes(caller: Phone, body: str, after: float = 1) -> None:
    caller.read = len(caller.scene.carrier.texts_to(caller.number))
    caller.texts(body, after=after)
    caller.unread_answers = False


def wants_a_person(scene: Scene) -> Phone:
    """A promise of a call within the hour."""
    caller = scene.phone()
    writes(caller, "hi")
    writes(caller, "person")
    return caller


def rings_the_line(scene: Scene) -> Phone:
    """A promise of URGENT_60."""
    caller = scene.phone()
    doorstep.rings(scene.rt, "CA" + "1" * 32, caller.number, LINE_NUMBER)
    return caller


def danger(scene: Scene) -> Phone:
    caller = scene.phone()
    writes(caller, CRISIS)
    scene.work()
    return caller


def talks(scene: Scene, person: StaffPhone, caller: Phone) -> None:
    """They take what rings, the caller picks up, they talk."""
    report(scene, person.rings()[-1], *PICKED_UP)
    assert isinstance(person.presses("1")[-1], Join)
    scene.work()
    report(scene, caller.rings()[-1], *PICKED_UP)
    assert isinstance(caller_leg.ready(scene.rt, caller.rings()[-1].token)[0], Join)


def knows(scene: Scene, caller: Phone, **facts: object) -> None:
    """What the caller told us meanwhile."""
    progress = caller.progress
    for name, value in facts.items():
        setattr(progress, name, value)
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        conversations.heard(tx, place, progress.to_json(), scene.now)


def page(scene: Scene) -> dict[str, object]:
    return scene.rows(tables.page)[-1]


def promise(scene: Scene) -> dict[str, object]:
    return scene.rows(tables.callback)[-1]


def case(scene: Scene) -> dict[str, object]:
    return scene.rows(tables.case)[-1]


def has_no_case_without_clock(scene: Scene) -> bool:
    return invariants.list_broken(scene.rt)["case_without_clock"] == 0
