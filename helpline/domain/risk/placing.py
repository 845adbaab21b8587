"""Placing: whom a hit is about, when it happened, and what takes it back."""

from collections.abc import Set as AbstractSet

from helpline.domain.risk.hits import Findings, Hit
from helpline.domain.risk.lexicon import ABOUT_PERSON
from helpline.domain.risk.model import ASK
from helpline.domain.risk.once import once
from helpline.domain.risk.text import Text

SELF = frozenset({"i", "me", "my", "myself", "mine", "yo", "mi", "conmigo"})
OTHER = frozenset(
    {"he", "she", "they", "him", "her", "them", "his", "himself", "herself", "themself"}
    | {"themselves", "their", "hers", "el", "ella", "ellos", "ellas"}
)
WHO = dict.fromkeys(SELF, "self") | dict.fromkeys(OTHER, "other")
FUTURE = frozenset({"going", "will", "gonna", "tomorrow", "tonight", "voy", "va", "manana"})
PAST = frozenset({"past_old", "past_recent", "past_days"})
NOW = ("present", "past_day")
NEGATION_REACH = 5
TENSE_REACH = 9
PERSON_REACH = 9
LONGEST_REMARK = 8
_FEW = 6  # remarks are faster looked through than searched
_NOWHERE: AbstractSet[int] = frozenset()


class Placing:
    """Answers questions about the hits of one text."""

    def __init__(self, text: Text, findings: Findings) -> None:
        self.text = text
        self.words = text.words
        self.findings = findings
        self.remarks = findings.remarks
        self.past = not PAST.isdisjoint(findings.remarks)
        self.people = self.owned = _NOWHERE
        if findings.traits & ABOUT_PERSON:
            people = [hit for hit in findings.hits if hit.rule.traits & ABOUT_PERSON]
            self.people = {hit.first for hit in people}
            self.owned = {at for hit in people for at in range(hit.first, hit.last)}

    def who(self, hit: Hit) -> str:
        """Whom the words are about; remembered in the hit."""
        if not hit.who:
            hit.who = self._who(hit) if hit.rule.weighty else "nobody"
        return hit.who

    def _who(self, hit: Hit) -> str:
        """What stands in the words, after them, before them, anywhere."""
        words, owned = self.words, self.owned
        inside = words[hit.first : hit.last]
        if not OTHER.isdisjoint(inside):
            return "other"
        if not SELF.isdisjoint(inside) and (not owned or self._is_self(hit)):
            return "self"
        if "third_party" in hit.tags or (self.people and self._person_follows(hit)):
            return "other"
        for at in range(hit.first - 1, max(hit.first - 1 - PERSON_REACH, -1), -1):
            who = "other" if at in owned else WHO.get(words[at])
            if who:
                return who
        if self.people:
            return "other"
        return "self" if self._speaks_of_self else "nobody"

    def _is_self(self, hit: Hit) -> bool:
        """Is one of its words the writer, and not part of a person (my brother)?"""
        for at in range(hit.first, hit.last):
            if self.words[at] in SELF and at not in self.owned:
                return True
        return False

    def _person_follows(self, hit: Hit) -> bool:
        return any(
            at in self.people and not self.text.new_sentence(hit.last - 1, at)
            for at in range(hit.last, min(hit.last + 3, len(self.words)))
        )

    @once
    def _speaks_of_self(self) -> bool:
        """Does the writer say I, me or my anywhere?"""
        return not SELF.isdisjoint(self.words)

    def near(self, hit: Hit, kind: str, reach: int = TENSE_REACH) -> bool:
        """Is there such a remark close to the hit, in the same sentence?"""
        remarks = self.remarks.get(kind)
        if remarks is None:
            return False
        begin, end = hit.first - reach, hit.last + reach
        if len(remarks) > _FEW:
            remarks = self.findings.remarks_between(kind, begin - LONGEST_REMARK, end)
        for first, last in remarks:
            if (
                first <= end
                and last >= begin <= first + LONGEST_REMARK
                and not self.text.new_sentence(min(first, hit.first), max(last, hit.last) - 1)
            ):
                return True
        return False

    def when(self, hit: Hit) -> str:
        """now, past, future or unknown; topics have no time."""
        if not hit.rule.weighty:
            return "unknown"
        remarks = self.remarks
        if self.past:
            for kind in PAST:
                if self.near(hit, kind):
                    return "past"
        for kind in NOW:
            if kind in remarks and self.near(hit, kind):
                return "now"
        nearby = self.words[max(hit.first - 3, 0) : hit.last + 3]
        return "unknown" if FUTURE.isdisjoint(nearby) else "future"

    def negated(self, hit: Hit) -> bool:
        """Is there an odd number of negations that reach the hit?"""
        if "negation" not in self.remarks:
            return False
        negations = self.remarks["negation"]
        close = (
            negations
            if len(negations) <= _FEW
            else self.findings.remarks_between(
                "negation", hit.first - NEGATION_REACH - LONGEST_REMARK, hit.first - 1
            )
        )
        reaching = [first for first, last in close if self._reaches(hit, first, last)]
        return len(reaching) % 2 == 1

    def _reaches(self, hit: Hit, first: int, last: int) -> bool:
        between = self.findings.remarks_between
        return 0 <= hit.first - last < NEGATION_REACH and not (
            self.text.new_clause(first, hit.first)
            or between("contrast", last, hit.first - 1)
            or any(
                end > first for _, end in between("pseudo_negation", first - LONGEST_REMARK, first)
            )
            or any(owner is not hit for owner in self._owners.get(first, ()))
        )

    @once
    def _owners(self) -> dict[int, list[Hit]]:
        """Which hits of ASK or more own a word, so that it denies nothing else."""
        owners: dict[int, list[Hit]] = {}
        for hit in self.findings.hits:
            if hit.level >= ASK:
                for word in range(hit.first, hit.last):
                    known = owners.setdefault(word, [])
                    if len(known) < 2:
                        known.append(hit)
        return owners

    def quoted(self) -> bool:
        """Are these somebody else's words, and not passed on as a cry for help?"""
        return "quote" in self.remarks and "forward" not in self.remarks
