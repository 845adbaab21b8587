"""The scan of spoken words: read twice, and doubted where the recogniser doubts.

A telephone turns "kill myself" into "kiss myself". What only the second reading says, and
what was heard without confidence, is asked about aloud: never dropped, never believed
without a question (PROTOCOL 3.8, lexicon rule 10).
"""

import re
from collections.abc import Sequence

from helpline.domain.risk.lexicon import Lexicon
from helpline.domain.risk.model import Assessment, Level
from helpline.domain.risk.scan import assess

_WORD = re.compile(r"[^\W_]+")


def heard_words(text: str) -> str:
    """Words as a recogniser writes them: small letters, no marks, one space between."""
    return " ".join(_WORD.findall(text.lower().replace("'", "").replace("\u2019", "")))


def assess_speech(
    words: str,
    lexicon: Lexicon,
    *,
    confidence: float | None,
    sure: float,
    sounds_like: Sequence[tuple[str, str]],
    recent: tuple[str, ...] = (),
    hot: bool = False,
) -> Assessment:
    """Every sign of danger in spoken words.

    `confidence` is the recogniser's, 0 to 1; without one it counts as unsure. Below `sure`
    danger becomes ASK. `sounds_like` are pairs of what is heard and what may have been said.
    """
    heard = assess(words, lexicon, recent=recent, hot=hot)
    if heard.level > Level.ASK and (confidence is None or confidence < sure):
        return _doubted(heard)
    if heard.level >= Level.ASK:
        return heard
    other = _as_it_may_be(words, sounds_like)
    if other is None:
        return heard
    meant = assess(other, lexicon, recent=recent, hot=hot)
    return _doubted(meant) if meant.level >= Level.ASK else heard


def _doubted(found: Assessment) -> Assessment:
    signals = tuple(signal._replace(level=min(signal.level, Level.ASK)) for signal in found.signals)
    return Assessment(Level.ASK, signals)


def _as_it_may_be(words: str, sounds_like: Sequence[tuple[str, str]]) -> str | None:
    """The words with every confusion undone; None when there is none in them."""
    text = f" {heard_words(words)} "
    changed = text
    for heard, said in sounds_like:
        changed = changed.replace(f" {heard} ", f" {said} ")
    return None if changed == text else changed.strip()
