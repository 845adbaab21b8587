"""What the demo tells; each function plays one story on the stage."""

from collections.abc import Callable

from helpline.demo.calls import hangs_up_half_way, reaches_a_person
from helpline.demo.stage import Stage, Story

TEXTER, OTHER_TEXTER, THIRD_TEXTER, FOURTH_TEXTER = (f"+1202555012{n}" for n in (3, 4, 5, 6))
ANA, BEN, CRUZ = "+12025550111", "+12025550112", "+12025550113"
DANGER = "i took all my pills and cant stay awake"


def called_back(story: Story, stage: Stage) -> None:
    """The main job."""
    phones = stage.phones
    first = phones.text(TEXTER, "hi, i need help with ket")
    story.step("texted; the line answered")
    story.promise("Life at risk? Call 911" in first, "numbers before questions, in the response")
    answers = ["2", "3", "3", "1", "2", "1", "6", "1", "1"]
    last = [phones.text(TEXTER, answer) for answer in answers][-1]
    story.step(f"answered {len(answers)} questions")
    story.promise("within 60 min" in last, "blood in the urine: a call within the hour is promised")
    if not story.until(lambda: phones.state(ANA) == "ringing", "the specialist's phone rings"):
        return
    phones.act(ANA, "answer", wait=10)
    story.until(lambda: "waiting" in phones.heard(ANA), "she hears that a caller is waiting")
    story.promise(
        TEXTER not in phones.heard(ANA) and "urgent" not in phones.heard(ANA),
        "nothing about the caller before she takes it",
    )
    phones.act(ANA, "press", keys="1", wait=10)
    story.until(lambda: phones.state(TEXTER) == "ringing", "she presses 1; the caller rings")
    story.until(lambda: "will get a call" in phones.received(TEXTER), "a text says so")
    story.promise(ANA not in str(phones.look(TEXTER)), "her number is never shown")
    phones.act(TEXTER, "answer", wait=10)
    phones.act(TEXTER, "press", keys="5", wait=10)
    if not story.until(lambda: phones.together(ANA, TEXTER), "they are connected"):
        return
    phones.act(TEXTER, "hang_up")
    story.until(lambda: "helped" in phones.heard(ANA), "afterwards she is asked for an outcome")
    phones.act(ANA, "press", keys="1", wait=10)
    story.until(lambda: "Recorded" in phones.heard(ANA), "the outcome is recorded")
    story.until(lambda: phones.state(ANA) == "idle", "she hangs up")


def paged(story: Story, stage: Stage) -> None:
    """Danger by text, a human at once."""
    phones = stage.phones
    answer = phones.text(OTHER_TEXTER, DANGER)
    answered = story.seconds()
    story.step("texted words of danger; the line answered")
    story.promise("911" in answer, "the emergency number is in the same response")
    rung = story.until(lambda: phones.state(ANA) == "ringing", "the first tier rings")
    story.promise(rung and story.seconds() - answered < 1.0, "paged within a second")
    story.until(
        lambda: "EMERGENCY" in phones.received(ANA),
        "and is texted a code, without a word or number of the caller",
    )
    story.promise("pills" not in phones.received(ANA), "no words of the caller left the line")
    _join(story, stage, ANA, OTHER_TEXTER)


def second_tier(story: Story, stage: Stage) -> None:
    """The first tier sleeps."""
    phones = stage.phones
    stage.hire("Cruz", CRUZ, "specialist", 2)
    phones.act(ANA, "behaviour", mode="no-answer")
    phones.text(THIRD_TEXTER, DANGER)
    story.step("texted words of danger; the line answered")
    story.until(lambda: phones.state(ANA) == "ringing", "the first tier rings, and nobody answers")
    story.promise(phones.state(CRUZ) == "idle", "the second tier is not rung before its time")
    stage.pass_time(60)
    story.step("60 seconds pass")
    story.until(lambda: phones.state(CRUZ) == "ringing", "the second tier rings")
    _join(story, stage, CRUZ, THIRD_TEXTER)
    phones.act(ANA, "behaviour", mode="manual")
    story.until(lambda: phones.state(ANA) == "idle", "the first tier's phone is quiet again")


def without_redis(story: Story, stage: Stage) -> None:
    """The queue dies while somebody is dying."""
    phones = stage.phones
    before = stage.kill("redis")
    answer = phones.text(FOURTH_TEXTER, DANGER)
    answered = story.seconds()
    story.step("Redis is killed, and somebody texts words of danger; the line answered")
    story.promise("911" in answer, "the emergency number is in the same response all the same")
    rung = story.until(lambda: phones.state(ANA) == "ringing", "the first tier rings")
    story.promise(rung and story.seconds() - answered < 1.0, "paged within a second all the same")
    story.until(
        lambda: stage.supervisor.pids().get("redis", before) != before, "Redis is started again"
    )
    _join(story, stage, ANA, FOURTH_TEXTER)
    texts = phones.received(ANA).count("EMERGENCY")
    story.promise(texts == 3, "each page was texted to her once")


def _join(story: Story, stage: Stage, who: str, texter: str) -> None:
    """Whoever is rung acknowledges with a key and is joined to the texter, to the end."""
    phones = stage.phones
    phones.act(who, "answer", wait=10)
    phones.act(who, "press", keys="1", wait=10)
    story.until(
        lambda: (
            "Connecting you" in phones.look(who)["transcript"][-1]["words"]
            or phones.state(texter) == "ringing"
        ),
        "one key acknowledges",
    )
    if story.until(lambda: phones.state(texter) == "ringing", "the caller is rung"):
        phones.act(texter, "answer", wait=10)
        phones.act(texter, "say", words="hello", wait=10)
        story.until(lambda: phones.together(who, texter), "they are connected")
    phones.act(texter, "hang_up")
    story.until(
        lambda: "helped" in phones.heard(who).rsplit("Connecting", 1)[-1],
        "an outcome is asked for",
    )
    phones.act(who, "press", keys="4", wait=10)
    story.until(lambda: phones.state(who) == "idle", "and given by key")


STORIES: tuple[tuple[str, Callable[[Story, Stage], None]], ...] = (
    ("a texter is triaged and called back", called_back),
    ("a danger text is answered at once, a human paged until she answers", paged),
    ("a caller reaches a live person", reaches_a_person),
    ("a caller hangs up half-way and is called back", hangs_up_half_way),
    ("the first tier does not answer, the second does", second_tier),
    ("Redis is killed during a danger text", without_redis),
)
