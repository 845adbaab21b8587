"""Of findings that weigh the same, which one is shown."""

import pytest

from helpline.domain.risk import Entry, Slot, Template, assess, compile_lexicon

TEXT = "the grey cat was seen near the old dog"


def _row(name: str, *slots: str) -> Entry:
    return Entry(
        id=name,
        category="lex.A1",
        severity="C",
        language="en",
        templates=(Template(tuple(Slot((slot,)) for slot in slots), 5, ()),),
        tags=frozenset({"seen"}),
        source=f"a.yaml:{name}",
    )


FIRST, SECOND = _row("cat", "grey", "cat"), _row("dog", "old", "dog")


@pytest.mark.parametrize(
    ("rows", "words"), [((FIRST, SECOND), "grey cat"), ((SECOND, FIRST), "old dog")]
)
def test_of_equal_templates_the_row_that_stands_first_is_shown(
    rows: tuple[Entry, ...], words: str
) -> None:
    [signal] = assess(TEXT, compile_lexicon(rows)).signals
    assert TEXT[signal.start : signal.end] == words
