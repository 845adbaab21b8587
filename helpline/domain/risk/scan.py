"""The scan: what one text says, alone and together with what came just before."""

from collections.abc import Iterable
from operator import attrgetter

from helpline.domain.risk.combining import combine
from helpline.domain.risk.finding import find
from helpline.domain.risk.hits import Hit
from helpline.domain.risk.lexicon import Lexicon
from helpline.domain.risk.model import ASK, NONE, NOTHING, Assessment, Signal
from helpline.domain.risk.placing import OTHER, SELF, Placing
from helpline.domain.risk.scorer import CATEGORY, Scorer
from helpline.domain.risk.text import Text
from helpline.domain.risk.weighing import drop_idioms, weigh

LONGEST_JOIN = 3200
_level_of = attrgetter("level")
_IDIOM = frozenset({"false_friend"})


def assess(
    text: str, lexicon: Lexicon, *, recent: tuple[str, ...] = (), hot: bool = False
) -> Assessment:
    """Find every sign of danger in a text.

    `recent` are earlier parts of the same person's message; read together with the
    text they can only raise the answer, and only by what needs the text itself. `hot`
    says that something of the A or B categories was found in the last 24 hours.
    """
    reading = _Reading(text, lexicon, hot)
    alone = reading.answer(reading.hits, reading.masks)
    if lexicon.scorer is not None and alone.level < ASK:
        alone = reading.doubted(alone, lexicon.scorer)
    if not recent or _is_a_key(text) or lexicon.courtesies.issuperset(reading.text.words):
        return alone
    earlier = " ".join(recent)[-LONGEST_JOIN:]
    if not earlier.strip():
        return alone
    found = _with_earlier(alone, earlier, text, lexicon, hot)
    if lexicon.scorer is not None and found.level < ASK:
        return _doubted_together(found, earlier, text, lexicon, lexicon.scorer)
    return found


def _doubted_together(
    found: Assessment, earlier: str, text: str, lexicon: Lexicon, scorer: Scorer
) -> Assessment:
    """A question where the earlier words raised none, and these complete them."""
    if _Reading(earlier, lexicon, False).doubted(NOTHING, scorer).signals:
        return found
    both = _Reading(f"{earlier} {text}", lexicon, False).doubted(found, scorer)
    if both is found:
        return found
    *rows, doubt = both.signals
    return Assessment(both.level, (*rows, _clipped(doubt, len(earlier) + 1, len(text))))


def _is_a_key(text: str) -> bool:
    """One digit answers a menu: it completes no phrase that earlier words began."""
    bare = text.strip()
    return len(bare) == 1 and bare.isdigit()


def _with_earlier(
    alone: Assessment, earlier: str, text: str, lexicon: Lexicon, hot: bool
) -> Assessment:
    """The answer raised by what only the earlier words and the text say together."""
    before = _Reading(earlier, lexicon, hot)
    joined = _Reading(f"{earlier} {text}", lexicon, hot)
    border = len(before.text.words)
    known = {hit.key: hit.level for hit in before.hits}
    fresh = joined.answer(
        [hit for hit in joined.hits if hit.last > border or hit.level > known.get(hit.key, -1)],
        [mask for mask in joined.masks if mask.last > border],
    )
    seen = {(signal.category, signal.level) for signal in alone.signals}
    shift = len(earlier) + 1
    added = [
        _clipped(signal, shift, len(text))
        for signal in fresh.signals
        if (signal.category, signal.level) not in seen
    ]
    if not added:
        return alone
    return Assessment(max(alone.level, fresh.level), (*alone.signals, *added))


def _clipped(signal: Signal, shift: int, length: int) -> Signal:
    start, end = max(signal.start - shift, 0), min(signal.end - shift, length)
    if end <= 0:
        start = end = 0
    return Signal(signal.category, signal.tags, signal.level, start, end, signal.who, signal.when)


class _Reading:
    """One text, read once: what was found, weighed and combined."""

    def __init__(self, text: str, lexicon: Lexicon, hot: bool) -> None:
        self.text = Text(text, lexicon.chunks)
        findings = find(self.text, lexicon)
        drop_idioms(findings, hot)
        self.placing = Placing(self.text, findings)
        if findings.hits:
            weigh(self.text, findings, self.placing, hot)
            combine(lexicon, findings, self.placing, hot)
        self.hits = findings.hits
        self.masks = findings.masks

    def answer(self, hits: Iterable[Hit], masks: list[Hit]) -> Assessment:
        """These hits as signals, the most serious one of each category and meaning."""
        best: dict[tuple[str, frozenset[str]], Hit] = {}
        for hit in hits:
            rule = hit.rule
            if rule.passing and hit.level == NONE:
                continue
            key = (rule.category, hit.tags)
            other = best.get(key)
            if other is None or hit.level > other.level:
                best[key] = hit
        if not best and not masks:
            return NOTHING
        signals = [self._signal(hit, tags) for (_, tags), hit in best.items()]
        if masks:
            signals.append(self._signal(masks[0], _IDIOM))
        return Assessment(max(map(_level_of, signals)), tuple(signals))

    def doubted(self, found: Assessment, scorer: Scorer) -> Assessment:
        """The answer of the rows, raised to a question where the score says so.

        Words of an idiom are no sign of anything, and what is told as long past is no
        question.
        """
        if "history" in found.tags:
            return found
        words = self.text.words
        if self.masks:
            idle = {at for mask in self.masks for at in range(mask.first, mask.last)}
            words = ["" if at in idle else word for at, word in enumerate(words)]
        doubt = scorer.doubt(words)
        if doubt is None:
            return found
        start, end = self.text.span(doubt.first, doubt.last)
        who = "nobody" if SELF.isdisjoint(words) else "self"
        who = who if OTHER.isdisjoint(words) else "other"
        signal = Signal(CATEGORY + doubt.kind, frozenset(), ASK, start, end, who, "unknown")
        return Assessment(ASK, (*found.signals, signal))

    def _signal(self, hit: Hit, tags: frozenset[str]) -> Signal:
        start, end = self.text.span(hit.first, hit.last)
        rule, placing = hit.rule, self.placing
        if not rule.weighty:
            return Signal(rule.category, tags, hit.level, start, end, "nobody", "unknown")
        who, when = placing.who(hit), placing.when(hit)
        return Signal(rule.category, tags, hit.level, start, end, who, when)
