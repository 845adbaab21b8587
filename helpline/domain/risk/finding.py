"""Finding: which rows of the lexicon stand in a text, and where."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import accumulate
from operator import attrgetter, itemgetter, or_

from helpline.domain.risk.hits import Findings, Hit
from helpline.domain.risk.lexicon import (
    End,
    Form,
    JoinedSearch,
    Lexicon,
    Node,
    Pattern,
    Rule,
)
from helpline.domain.risk.text import Text
from helpline.domain.risk.words import NUMBER

MOST_MENTIONS = 6  # of one topic: the seventh beer says no more than the sixth
MOST_SMALL_WORDS = 3  # that are looked over inside a phrase, the next word of it included
LONGER_THAN_CHANCE = 7  # letters of a form that counts inside another word
Place = tuple[int, int]
Opening = tuple[int, int, int]
Found = tuple[int, int, End]
_number = attrgetter("number")


def find(text: Text, lexicon: Lexicon) -> Findings:
    """Every phrase, every run-together phrase and every template, idioms and remarks too."""
    found = _ends(text.words, lexicon)
    findings = Findings()
    openings, places = _note_phrases(found, findings, text.words)
    if lexicon.joined is not None:
        _note_joined(found, findings, lexicon.joined, text.words)
    if places:
        by_slot = _by_slot(openings, places)
        for pattern in sorted(places, key=_number):
            opening = by_slot[pattern.slots[0]]
            _note_template(pattern, opening, places[pattern], found, findings, text)
    return findings


def _ends(words: list[str], lexicon: Lexicon) -> list[Found]:
    """Every place where a phrase ends, in the order of the words where they begin."""
    roots, numbers = lexicon.roots, lexicon.number_words
    found = _walk(map(roots.get, words), words, lexicon)
    if not numbers.isdisjoint(words):
        # Numbers that are words of the lexicon too (911, 40) still count as numbers.
        number = roots.get(NUMBER)
        found += _walk([number if word in numbers else None for word in words], words, lexicon)
        found.sort(key=itemgetter(0, 1))
    return found


def _walk(nodes: Iterable[Node | None], words: list[str], lexicon: Lexicon) -> list[Found]:
    """From each word, which has this node, down the tree of phrases."""
    found: list[Found] = []
    loose, ahead = lexicon.loose, [*words, ""]
    for first, node, word in zip(range(len(words)), nodes, ahead[1:], strict=True):
        if node is None:
            continue
        after, end = node
        last = first + 1
        if end is not None:
            found.append((first, last, end))
        while word in after or (word in loose and after):
            node = after.get(word)
            if node is None:
                node, last = _over_small_words(after, last, words, lexicon)
                if node is None:
                    break
            last += 1
            word = ahead[last]
            after, end = node
            if end is not None:
                found.append((first, last, end))
    return found


def _over_small_words(
    after: Mapping[str, Node], last: int, words: list[str], lexicon: Lexicon
) -> tuple[Node | None, int]:
    """The next node when the word is a number or up to two small words stand between."""
    for at in range(last, min(last + MOST_SMALL_WORDS, len(words))):
        word = words[at]
        node = after.get(word)
        if node is None and word in lexicon.numbers:
            node = after.get(NUMBER)
        if node is not None:
            return node, at
        if word not in lexicon.fillers:
            break
    return None, last


def _note_phrases(
    found: list[Found], findings: Findings, words: list[str]
) -> tuple[list[Opening], dict[Pattern, list[int]]]:
    """Note the rows that were found; where templates open, and those that may be complete."""
    slots, openings, tried = 0, list[Opening](), list[tuple[int, tuple[Pattern, ...]]]()
    hits, mentions = findings.hits, dict[Rule, int]()
    for first, last, (rules, slots_here, opens, patterns) in found:
        if slots_here:
            slots |= slots_here
            if opens:
                openings.append((first, last, opens))
            if patterns:
                tried.append((first, patterns))
        for rule in rules:
            if rule.mention:
                mentions[rule] = often = mentions.get(rule, 0) + 1
                if often > MOST_MENTIONS:
                    continue
            if rule.plain:
                findings.traits |= rule.traits
                hits.append(Hit(rule, first, last))
            else:
                findings.note(rule, first, last, words)
    return openings, _complete(tried, slots) if tried else {}


def _complete(tried: list[tuple[int, tuple[Pattern, ...]]], slots: int) -> dict[Pattern, list[int]]:
    """The templates of which every slot was found, with the places of their rarest slots."""
    places: dict[Pattern, list[int]] = {}
    for first, pattern in [
        (first, pattern)
        for first, patterns in tried
        for pattern in patterns
        if slots & pattern.all_slots == pattern.all_slots
    ]:
        places.setdefault(pattern, []).append(first)
    return places


def _note_joined(
    found: list[Found], findings: Findings, joined: JoinedSearch, words: list[str]
) -> None:
    """Danger words written together or apart (killmyself, k i l l)."""
    together = "".join(words)
    forms = joined.within(together) if together else []
    forms = [form for form in forms if not _is_plain(form, together, findings.hits, words)]
    if forms:
        _note_forms(forms, together, found, findings, words)


def _is_plain(form: Form, together: str, hits: list[Hit], words: list[str]) -> bool:
    """Does the form only stand where its row was found as it is written?"""
    letters, rule, _ = form
    plain = ["".join(words[hit.first : hit.last]) for hit in hits if hit.rule is rule]
    return together.count(letters) <= plain.count(letters)


def _note_forms(
    forms: list[Form], together: str, found: list[Found], findings: Findings, words: list[str]
) -> None:
    rows = [(first, last, end[0]) for first, last, end in found if end[0]]
    plain = ["".join(words[first:last]) for first, last, _ in rows]
    forms = [form for form in forms if together.count(form[0]) > plain.count(form[0])]
    if not forms:
        return
    seen = {(rule, first) for first, _, rules in rows for rule in rules}
    ends = {end: word for word, end in enumerate(accumulate(map(len, words)), 1)}
    starts = {0: 0} | ends
    for letters, rule, exact in forms:
        for first, last in _joined_places(letters, together, starts if exact else {}, ends):
            if (rule, first) not in seen:
                findings.note(rule, first, last, words)


def _joined_places(
    form: str, together: str, starts: Mapping[int, int], ends: Mapping[int, int]
) -> Iterator[Place]:
    """Where a form makes up whole words, or stands inside a single long one."""
    at = together.find(form)
    while at >= 0:
        stop = at + len(form)
        first, last = starts.get(at), ends.get(stop)
        if first is not None and last is not None:
            yield first, last
        elif len(form) > LONGER_THAN_CHANCE:
            edges = list(ends)
            word = bisect_right(edges, at)
            if stop <= edges[word]:
                yield word, word + 1
        at = together.find(form, stop)


def _by_slot(openings: list[Opening], patterns: Iterable[Pattern]) -> dict[int, list[Place]]:
    """Where the first slots of these templates stand."""
    by_slot: dict[int, list[Place]] = {pattern.slots[0]: [] for pattern in patterns}
    wanted = reduce(or_, by_slot)
    for first, last, slots in openings:
        here = slots & wanted
        while here:
            slot = here & -here
            by_slot[slot].append((first, last))
            here ^= slot
    return by_slot


def _note_template(
    pattern: Pattern,
    openings: list[Place],
    places: list[int],
    found: list[Found],
    findings: Findings,
    text: Text,
) -> None:
    """Note a template wherever its slots follow each other closely enough.

    Only where it opens near one of the places of its rarest slot: else a long text would
    be looked over once for each of its templates.
    """
    at, beyond = 0, -1
    for place in places:
        at = max(at, bisect_left(openings, (place - pattern.reach, 0)))
        while at < len(openings) and openings[at][0] <= place:
            first, last = openings[at]
            at += 1
            if first < beyond:
                continue
            stop = _follow(pattern, found, text.words, 1, last, pattern.within)
            if stop and not text.new_sentence(first, stop - 1):
                findings.note(pattern.rule, first, stop, text.words)
                beyond = stop


def _follow(
    pattern: Pattern, found: list[Found], words: list[str], slot: int, last: int, room: int
) -> int:
    """The end of the nearest way from this slot through the last one, or 0."""
    wanted, forbidden = pattern.slots[slot], pattern.not_between
    for at in range(bisect_left(found, (last,)), len(found)):
        begin, end, (_, slots, _, _) = found[at]
        gap = begin - last
        if gap > room:
            break
        if not slots & wanted:
            continue
        if forbidden and not forbidden.isdisjoint(words[last:begin]):
            break
        if slot == pattern.last_slot:
            return end
        stop = _follow(pattern, found, words, slot + 1, end, room - gap)
        if stop:
            return stop
    return 0
