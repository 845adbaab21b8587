"""Which words go out is a rule and not a level: violence, overdose, nobody on duty, secrecy."""

from collections.abc import Iterator

import pytest

from helpline.store import Store, conversations, tables
from tests.builders import Phone, Scene


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """Every text is looked at by the tests themselves."""
    made = Scene(store)
    yield made
    made.connections.forget()


def told(scene: Scene, caller: Phone) -> str:
    return "\n".join((*caller.answers, *scene.carrier.texts_to(caller.number)))


@pytest.mark.parametrize(
    ("words", "there", "never"),
    [
        ("my boyfriend is going to kill me he has a knife", "We will not ring you", "side"),
        ("my friend took a whole bottle of pills and wont wake up", "911", "We will not ring"),
        ("cant pee at all since yesterday", "911", "side"),
        ("im pregnant and bleeding", "911", "side"),
    ],
)
def test_the_first_words_fit_what_was_said(
    quick: Scene, words: str, there: str, never: str
) -> None:
    caller = quick.phone()
    caller.texts(words).unread_answers = False
    assert there in told(quick, caller)
    assert never not in told(quick, caller)
    assert quick.only(tables.page)["state"] == "open"


def test_violence_is_paged_and_climbs_but_never_rings_the_caller(scene: Scene) -> None:
    ana, boss = scene.staff(), scene.staff("Boss", role="supervisor")
    caller = scene.phone()
    caller.texts("my boyfriend is going to kill me he has a knife").unread_answers = False
    scene.work()
    scene.passes(700)
    assert ana.rings()
    assert boss.rings()
    assert caller.rings() == []


@pytest.mark.parametrize(("available", "words"), [(True, "delayed"), (False, "can't reach anyone")])
def test_the_honest_word_at_two_minutes_promises_nobody_when_nobody_is_there(
    scene: Scene, available: bool, words: str
) -> None:
    scene.staff(available=available)
    scene.staff("Boss", role="supervisor")
    caller = scene.phone()
    caller.texts("i want to kill myself", after=0).unread_answers = False
    scene.work()
    scene.passes(120, step=60)
    assert words in "\n".join(scene.carrier.texts_to(caller.number))


@pytest.mark.parametrize("flag", ["SAFE_CONTACT", "DISCREET"])
def test_secrecy_is_broken_by_no_ring_and_no_text(scene: Scene, flag: str) -> None:
    ana = scene.staff()
    scene.staff("Boss", role="supervisor")
    caller = scene.phone()
    caller.texts("hi").unread_answers = False
    progress = caller.progress
    progress.flags.append(flag)
    progress.floor = "URGENT_15"
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        conversations.save(
            tx, place, progress.to_json(), wake_at=None, heard_at=scene.now, whatsapp=False
        )
    caller.texts("person").unread_answers = False
    scene.passes(1200)
    assert caller.rings() == []
    assert ana.rings() == []
    assert scene.carrier.texts_to(caller.number) == [], "nobody near may read that we wait"
    assert scene.only(tables.page)["ring_caller"] is False, "the supervisor is told not to ring"
