"""Compiling the lexicon: from rows to what the scan walks through."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from itertools import chain
from operator import or_
from types import MappingProxyType

from helpline.domain.risk.chunks import Chunks
from helpline.domain.risk.hits import LONGEST_PHRASE
from helpline.domain.risk.lexicon import (
    ABOUT_PERSON,
    CONDITIONAL,
    COVERS,
    Lexicon,
    Pattern,
    Rule,
)
from helpline.domain.risk.model import SEVERITIES, Entry, Level, LexiconError, Slot, Template
from helpline.domain.risk.names import Names
from helpline.domain.risk.phrases import Phrases
from helpline.domain.risk.planting import JoinedForms, Tree
from helpline.domain.risk.scan import assess
from helpline.domain.risk.words import NUMBER, build_vocabulary

MENU_ANSWERS = (
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "12", "1 2", "1,3", "10", "24", "yes", "y",
    "yeah", "yep", "no", "n", "nope", "nah", "skip", "pass", "prefer not", "not sure", "unsure",
    "maybe", "idk", "dunno", "kinda", "sometimes", "none", "ok", "okay", "k", "thanks",
    "thank you", "today", "yesterday", "tonight", "tomorrow", "now", "this week", "last week",
    "monday", "5pm", "in an hour", "morning", "evening", "me", "myself", "other", "my son",
    "my friend", "a friend", "call me", "call", "text", "person", "human", "hi", "hello",
    "done", "sure", "true", "false", "ketamine", "ket", "alcohol", "coke", "info", "help", "start",
    "stop", "si", "claro", "no se", "tal vez", "hoy", "manana", "ayuda", "hola", "gracias",
    "not yet", "not today", "not tonight", "not really", "never", "unless", "here", "home",
)  # fmt: skip
_FAMILIES_OF_DANGER = ("lex.A", "lex.B", "lex.S")
_WORD_KINDS = ("real_word", "filler", "courtesy", "correct")


class _Compiler:
    def __init__(self, entries: Iterable[Entry], everyday: Mapping[str, int]) -> None:
        self.entries = tuple(entries)
        self.everyday = everyday
        self.reasons: list[str] = []
        self.phrases = Phrases(self.entries, self.reasons)
        self.tree = Tree()
        self.joined = JoinedForms()
        self.rules: list[Rule] = []
        self.patterns: list[Pattern] = []
        self.slot_bits: dict[Slot, int] = {}
        self.slot_phrases: dict[int, frozenset[tuple[str, ...]]] = {}
        self.slots_planted: set[tuple[Slot, bool]] = set()
        self.vocabulary = {word for meant in self.phrases.meanings.values() for word in meant}
        self.strong: set[str] = set()
        self.words = {
            kind: frozenset(p for e in self.entries if e.kind == kind for p in e.phrases)
            for kind in _WORD_KINDS
        }
        self.names = Names({name for entry in self.entries for name in _asked_for(entry)})
        self.openers = self.names.bits(
            name
            for entry in self.entries
            if entry.kind == "combination"
            for name in _opening(entry)
        )

    def compile(self) -> Lexicon:
        for entry in self.entries:
            if entry.kind not in {"spelling", "list", *_WORD_KINDS}:
                rule = self._add_rule(self._with_read_neighbours(entry))
                self._add_phrases(rule)
                for template in entry.templates:
                    self._add_template(rule, template)
        self.vocabulary.update(*(self.words[kind] for kind in ("filler", "courtesy", "correct")))
        if self.reasons:
            raise LexiconError(tuple(self.reasons))
        return self._bundle()

    def _with_read_neighbours(self, entry: Entry) -> Entry:
        """The neighbours that forbid a row, as the scan will see them."""
        if not entry.not_before and not entry.not_after:
            return entry
        before = self.phrases.first_words(entry.not_before)
        after = self.phrases.first_words(entry.not_after)
        self.vocabulary.update(before, after)
        return replace(entry, not_before=before, not_after=after)

    def _add_rule(self, entry: Entry) -> Rule:
        bits, combination = self.names.bits, entry.kind == "combination"
        level, raised = (self._level(entry, x) for x in (entry.severity, entry.raise_to or "T"))
        says = bits((entry.category, *entry.tags))
        says_gravely = bits((entry.category[:5], f"{entry.category}+"))
        neighbours = entry.not_before or entry.not_after
        rule = Rule(
            entry=entry,
            level=level,
            raised=raised,
            lone=self._level(entry, entry.alone) if entry.alone else None,
            rank=len(self.rules),
            traits=_traits(entry),
            says=says,
            says_gravely=says_gravely,
            says_raised=bits(entry.raise_tags),
            needs=bits(entry.needs),
            raise_with=bits(entry.raise_with) if entry.raise_to else 0,
            blocks_masks=entry.category.startswith(_FAMILIES_OF_DANGER) and not entry.needs,
            plain=entry.kind == "hit" and not neighbours,
            mention=entry.kind == "hit" and level < Level.ASK,
            combines=bool(self.openers & (says | says_gravely)),
            all_of=tuple(map(bits, entry.all_of)),
            opening=bits(_opening(entry)) if combination else 0,
            wanted=bits(_asked_for(entry)) if combination else 0,
            category=entry.category,
            tags=entry.tags,
            is_hit=entry.kind == "hit",
            remark="" if entry.kind in {"hit", "mask"} or neighbours else entry.kind,
            weighty=max(level, raised) > Level.NONE,
            lowerable=entry.category.startswith("lex.A"),
            passing=entry.severity == "M" or entry.category.startswith("lex.N"),
        )
        self.rules.append(rule)
        return rule

    def _level(self, entry: Entry, letter: str) -> Level:
        if letter not in SEVERITIES:
            self.reasons.append(f"{entry.source}: unknown severity {letter!r}")
        return SEVERITIES.get(letter, Level.NONE)

    def _add_phrases(self, rule: Rule) -> None:
        entry = rule.entry
        strong = entry.kind == "hit" and max(rule.level, rule.raised) >= Level.ASK
        for phrase in self.phrases.spelt_out(entry):
            words = self.phrases.words(phrase)
            if not words:
                self.reasons.append(f"{entry.source}: {phrase!r} can match the empty text")
                continue
            self.tree.plant_rule(words, rule)
            self._learn(words, strong)
            if strong:
                self.joined.add(phrase, words, rule)

    def _learn(self, words: tuple[str, ...], strong: bool) -> None:
        self.vocabulary.update(words)
        if strong:
            self.strong.update(words)

    def _add_template(self, rule: Rule, template: Template) -> None:
        if len(template.slots) < 2:
            self.reasons.append(f"{rule.entry.source}: a template needs two slots or more")
            return
        strong = rule.level >= Level.ASK
        slots = tuple(self._slot(slot, rule.entry.source, strong) for slot in template.slots)
        between = frozenset(w for p in template.not_between for w in self.phrases.words(p))
        self.vocabulary.update(between)
        self.patterns.append(
            Pattern(
                number=len(self.patterns),
                rule=rule,
                slots=slots,
                all_slots=reduce(or_, slots),
                rarest=slots[-1],
                last_slot=len(slots) - 1,
                within=template.within,
                reach=0,
                not_between=between,
            )
        )

    def _slot(self, slot: Slot, source: str, strong: bool) -> int:
        """The bit of a slot; equal slots share it."""
        bit = self.slot_bits.setdefault(slot, 1 << len(self.slot_bits))
        if (slot, strong) in self.slots_planted:
            return bit
        self.slots_planted.add((slot, strong))
        phrases = {
            phrase: self.phrases.words(phrase) for phrase in self.phrases.of_slot(slot, source)
        }
        self.reasons += [
            f"{source}: {one!r} has no words" for one, words in phrases.items() if not words
        ]
        for words in filter(None, phrases.values()):
            self.tree.plant_slot(words, bit)
            self._learn(words, strong)
        self.slot_phrases[bit] = frozenset(phrases.values()) - {()}
        return bit

    def _find_rarest(self) -> None:
        """Let each template be looked at only where its rarest slot stands.

        A word of many phrases is a common one (not, he). A phrase is as common as its
        rarest word, and a slot as its most common phrase.
        """
        often = Counter(chain.from_iterable(self.phrases.read.values()))
        common = {
            slot: (max(min(map(often.__getitem__, words)) for words in phrases), len(phrases))
            for slot, phrases in self.slot_phrases.items()
            if phrases
        }
        for number, pattern in enumerate(self.patterns):
            rarest = min(pattern.slots, key=lambda slot: common.get(slot, (0, 0)))
            reach = pattern.within + pattern.slots.index(rarest) * LONGEST_PHRASE
            self.patterns[number] = replace(pattern, rarest=rarest, reach=reach)

    def _bundle(self) -> Lexicon:
        self._find_rarest()
        vocabulary = build_vocabulary(
            self.vocabulary,
            self.strong,
            self.phrases.meanings,
            sorted(self.words["correct"]),
            self.words["real_word"],
            self.everyday,
        )
        numbers = frozenset(word for word in self.vocabulary if word.isdigit())
        return Lexicon(
            rules=tuple(self.rules),
            roots=self.tree.grown(self.patterns),
            chunks=Chunks(vocabulary),
            fillers=self.words["filler"],
            courtesies=self.words["courtesy"],
            number_words=numbers,
            numbers=numbers | {NUMBER},
            loose=numbers | {NUMBER} | self.words["filler"],
            joined=self.joined.searchable(),
            combinations=tuple(r for r in self.rules if r.entry.kind == "combination"),
        )


def _opening(combination: Entry) -> frozenset[str]:
    """The names of which a combination needs at least one."""
    if combination.rows_of:
        return frozenset({combination.rows_of})
    return combination.all_of[0]


def _asked_for(entry: Entry) -> frozenset[str]:
    """The names that the conditions of a row ask for."""
    return frozenset(
        filter(None, {entry.rows_of}.union(entry.needs, entry.raise_with, *entry.all_of))
    )


def _traits(entry: Entry) -> int:
    """What the steps of the scan are left out for when no row of a text is it."""
    return (
        COVERS * entry.covers
        | CONDITIONAL * bool(entry.needs or entry.raise_to)
        | ABOUT_PERSON * ("third_party" in entry.tags)
    )


def compile_lexicon(
    entries: Iterable[Entry], everyday: Mapping[str, int] = MappingProxyType({})
) -> Lexicon:
    """Compile the rows.

    `everyday` are the words that people write, and how often: any other word of a text may
    be a slip of the thumb for one of the lexicon's. Without them no slip is looked for.

    Raises:
        LexiconError: with everything that is wrong.
    """
    lexicon = _Compiler(entries, everyday).compile()
    reasons = [
        f"{source}: matches the ordinary answer {answer!r}"
        for answer in ("", *MENU_ANSWERS)
        if (found := assess(answer, lexicon)).level >= Level.ASK
        for source in _guilty(lexicon, found.categories)
    ]
    if reasons:
        raise LexiconError(tuple(reasons))
    return lexicon


def _guilty(lexicon: Lexicon, categories: frozenset[str]) -> Iterator[str]:
    yield from sorted({r.entry.source for r in lexicon.rules if r.entry.category in categories})
