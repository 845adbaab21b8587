"""A template is looked at only where its rarest slot stands, and is found all the same."""

import pytest

from helpline.domain.risk import Entry, Level, Lexicon, Slot, Template, assess, compile_lexicon

COMMON = Slot(("not",))
RARE = Slot(("rouse", "stir"))
PERSON = Slot(("he", "she"))


def lexicon(*slots: Slot) -> Lexicon:
    """A lexicon of one template, in which `not` is the word of many phrases."""
    template = Entry(
        id="template",
        category="lex.B1",
        severity="E",
        language="en",
        templates=(Template(slots, within=3),),
    )
    others = Entry(
        id="others",
        category="lex.D1",
        severity="T",
        language="en",
        phrases=("not one", "not two", "not three", "he one", "she one"),
    )
    return compile_lexicon([template, others])


@pytest.mark.parametrize(
    ("slots", "text"),
    [
        ((COMMON, RARE), "could not really rouse"),
        ((RARE, COMMON), "rouse could not"),
        ((PERSON, COMMON, RARE), "she would not stir"),
        ((RARE, PERSON, COMMON), "stir he could not"),
        ((PERSON, RARE, COMMON), "she stir will not"),
    ],
)
def test_a_template_is_found_wherever_its_rarest_slot_stands(
    slots: tuple[Slot, ...], text: str
) -> None:
    assert assess(text, lexicon(*slots)).level == Level.EMERGENCY


@pytest.mark.parametrize(
    ("slots", "text"),
    [
        ((COMMON, RARE), "rouse could not"),
        ((PERSON, COMMON, RARE), "not she stir"),
        ((PERSON, COMMON, RARE), "she would stir"),
        ((COMMON, RARE), "not one two three four rouse"),
    ],
)
def test_the_order_and_the_distance_still_count(slots: tuple[Slot, ...], text: str) -> None:
    assert assess(text, lexicon(*slots)).level == Level.NONE
