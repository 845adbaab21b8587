"""`make fuzz` finds what is planted, and a short run of it finds nothing in the scan."""

from functools import partial
from itertools import islice

from helpline.domain.risk import NOTHING, Assessment, Level, Signal, assess
from tests.fuzz.hostile import LONGEST, Texts, mistake, slowness
from tests.phone import protocol

SAID = ["he is on the floor and not breathing", "i want to die \U0001f494"]
SIGNAL = Signal("lex.A1", frozenset(), Level.CRISIS, 0, 5, "self", "now")
scan = partial(assess, lexicon=protocol().lexicon)


def test_hostile_texts_are_answered() -> None:
    words = sorted(protocol().lexicon.chunks.vocabulary.known)
    texts = list(islice(Texts(words, SAID, seed=7), 60))
    assert max(map(len, texts)) == LONGEST
    assert {text: wrong for text in texts if (wrong := mistake(scan, text))} == {}


def test_a_scan_that_raises_is_found() -> None:
    def fails(text: str) -> Assessment:
        raise ValueError(text)

    assert mistake(fails, "abc") == "raised ValueError: abc"


def test_a_scan_that_changes_its_mind_is_found() -> None:
    answers = iter([NOTHING, Assessment(Level.CRISIS, (SIGNAL,))])
    assert mistake(lambda _: next(answers), "abcdefgh") == "another answer the second time"


def test_wrong_spans_and_levels_are_found() -> None:
    assert "a span outside" in str(mistake(lambda _: Assessment(Level.CRISIS, (SIGNAL,)), "abc"))
    above = Assessment(Level.ASK, (SIGNAL._replace(end=2),))
    assert mistake(lambda _: above, "abc") == "a signal above the level of the text"


def test_a_slow_scan_is_found() -> None:
    assert slowness(scan, "hello", a_text=1000.0) < 1
    assert slowness(scan, "hello", a_text=1e-12) > 1
