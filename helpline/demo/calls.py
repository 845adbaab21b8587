"""The demo's stories on the telephone."""

from helpline.demo.stage import Stage, Story

CALLER, OTHER_CALLER = "+12025550127", "+12025550128"
ANA = "+12025550111"


def reaches_a_person(story: Story, stage: Stage) -> None:
    """Somebody rings and needs a human now."""
    phones = stage.phones
    phones.act(CALLER, "call")
    story.until(lambda: "press 9" in phones.heard(CALLER), "rings; the numbers, 9 and 0 come first")
    phones.act(CALLER, "say", words="i am going to kill myself tonight", wait=10)
    pressed = story.seconds()
    story.step("says words of danger")
    rung = story.until(lambda: phones.state(ANA) == "ringing", "the first tier rings")
    story.promise(rung and story.seconds() - pressed < 1.0, "within a second")
    story.until(
        lambda: "hang up and call 9 1 1" in phones.heard(CALLER),
        "meanwhile the caller hears the number to call",
    )
    phones.act(ANA, "answer", wait=10)
    phones.act(ANA, "press", keys="1", wait=10)
    story.until(lambda: phones.together(ANA, CALLER), "one key, and they speak with each other")
    story.promise(story.seconds() - pressed < 10.0, "within ten seconds of the words")
    phones.act(CALLER, "hang_up")
    story.until(
        lambda: "helped" in phones.heard(ANA).rsplit("Connecting", 1)[-1],
        "afterwards an outcome is asked for",
    )
    phones.act(ANA, "press", keys="1", wait=10)
    story.until(lambda: phones.state(ANA) == "idle", "and given by key")


def hangs_up_half_way(story: Story, stage: Stage) -> None:
    """A call that breaks off is a call owed."""
    phones = stage.phones
    phones.act(OTHER_CALLER, "call")
    story.until(lambda: "press 9" in phones.heard(OTHER_CALLER), "rings, and hears the greeting")
    phones.act(OTHER_CALLER, "press", keys="1", wait=10)
    story.until(lambda: "safety right now" in phones.heard(OTHER_CALLER), "answers a question")
    phones.act(OTHER_CALLER, "press", keys="2", wait=10)
    story.until(lambda: "suicide" in phones.heard(OTHER_CALLER), "and another")
    phones.act(OTHER_CALLER, "hang_up")
    story.step("hangs up in the middle of the questions")
    if not story.until(lambda: phones.state(ANA) == "ringing", "a specialist is rung for them"):
        return
    phones.act(ANA, "answer", wait=10)
    phones.act(ANA, "press", keys="1", wait=10)
    story.until(lambda: phones.state(OTHER_CALLER) == "ringing", "she takes it; the caller rings")
    phones.act(OTHER_CALLER, "answer", wait=10)
    phones.act(OTHER_CALLER, "press", keys="5", wait=10)
    story.until(lambda: phones.together(ANA, OTHER_CALLER), "they are connected")
    phones.act(OTHER_CALLER, "hang_up")
    story.until(
        lambda: "helped" in phones.heard(ANA).rsplit("Connecting", 1)[-1],
        "an outcome is asked for",
    )
    phones.act(ANA, "press", keys="1", wait=10)
    story.until(lambda: phones.state(ANA) == "idle", "and given by key")
