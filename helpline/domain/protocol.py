"""The validated bundle of triage states, rules, messages, numbers and policies.

Everything here is frozen data. `helpline.content` builds it from ``config/``
and refuses to build anything that breaks a promise; the engine
(`helpline.domain.triage`) only reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from helpline.domain.conditions import ALWAYS, Condition
from helpline.domain.disposition import Disposition
from helpline.domain.pace import Rate, RetryRules
from helpline.domain.risk import Lexicon

PATHS = ("self", "other", "rx")


@dataclass(frozen=True, slots=True)
class Send:
    """A message that goes out when its condition holds."""

    message: str
    when: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class Branch:
    """Where to go next when the condition holds; the first that holds wins."""

    to: str
    when: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice of a question.

    `means` is the plain sense (yes, no, unsure, decline, skip) by which the words of
    the lexicon's Z1 find it; `words` are further words by language; `tags` are lexicon
    tags that choose it when heard. `page` asks for a human at once.
    """

    choice: str
    means: str | None = None
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    go: tuple[Branch, ...] = ()
    sends: tuple[Send, ...] = ()
    page: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt and the answers it takes.

    `choose` is ``one``, ``many`` or ``words`` (free text kept under `saves`).
    `suffix` maps a letter that may follow the digit (R4: A = alone) to its meaning.
    """

    message: str
    choose: str = "one"
    answers: Mapping[str, Answer] = field(default_factory=dict)
    when: Condition = ALWAYS
    saves: str | None = None
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A place in the protocol. `silence` names the policy for no reply."""

    id: str
    kind: str
    paths: frozenset[str]
    safety: bool = False
    says: tuple[Send, ...] = ()
    questions: tuple[Question, ...] = ()
    then: tuple[Branch, ...] = ()
    silence: str = "ordinary"
    leads_to: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A disposition rule of PROTOCOL 3.5: when it matches, the floor is at least that."""

    id: str
    disposition: Disposition
    when: Condition
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """A fact that triage learned, derived from answers and words."""

    name: str
    when: Condition | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SilenceStep:
    """What happens `after` so long without a word: nudge, ask, call, page or close."""

    after: timedelta
    act: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One wording in one language.

    `off_duty` names the wording used when nobody is on duty; every text that
    promises a person must have one. `draft` marks words not in PROTOCOL. `voice` may be
    in two halves, each a line of its own (`helpline.domain.messages.halves`).
    """

    key: str
    sms: str | None
    voice: str | None
    purpose: str = ""
    promises_person: bool = False
    off_duty: str | None = None
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Country:
    """A country pack: what the placeholders become for a caller there."""

    iso: str
    calling_codes: tuple[str, ...]
    emergency: str
    crisis: str
    crisis_text: bool
    poison: str | None
    medline: str
    never_dial: frozenset[str] = frozenset()
    lines: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Facility:
    """A place that a specialist may bring into a call; `countries` whose callers it is for."""

    name: str
    phone: str
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallbackPolicy:
    """Deadlines and retry ladders of one disposition (PROTOCOL 3.6 item 3)."""

    deadline: timedelta
    any_hour: bool
    retries: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """Everything in ``callbacks.yaml``; all durations come from there.

    `warn_share` of a promise may pass before somebody is warned. `follow_ups` are the times
    after which a caller is asked how they are, by the state that asks.
    """

    by_disposition: Mapping[Disposition, CallbackPolicy]
    lease: timedelta
    ring_staff: timedelta
    ring_caller: timedelta
    pass_pause: timedelta
    outcome_within: timedelta
    in_line_after: timedelta
    opens: time
    closes: time
    staffed_from: time
    staffed_to: time
    warn_share: float
    follow_ups: Mapping[str, tuple[timedelta, ...]]


@dataclass(frozen=True, slots=True)
class LadderStep:
    """Who is paged `after` the danger (CONTRACT 3)."""

    after: timedelta
    who: str
    tell_caller: str | None = None


@dataclass(frozen=True, slots=True)
class EscalationRules:
    """Everything in ``escalation.yaml``. `live` and `asked` are for who waits on the line."""

    steps: tuple[LadderStep, ...]
    live: tuple[LadderStep, ...]
    asked: tuple[LadderStep, ...]
    repeat: timedelta
    ring: timedelta
    reopen_without_outcome: timedelta
    holder_silence: timedelta
    ring_back: timedelta
    drill_wait: timedelta
    process_silent: timedelta
    alarm_again: timedelta


@dataclass(frozen=True, slots=True)
class LoopRules:
    """When another machine is not answered any more (`helpline.domain.triage.loops`)."""

    answers: int
    within: timedelta
    rest: timedelta
    letters_per_second: int
    typed_letters: int
    signatures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutboundRules:
    """Everything in ``outbound.yaml``. `awake`: so long after a text the caller is up."""

    calls: Rate
    texts_of_number: Rate
    texts: Rate
    retries: RetryRules
    awake: timedelta
    loop: LoopRules


@dataclass(frozen=True, slots=True)
class ReconcilerRules:
    """Everything in ``reconciler.yaml``."""

    every: timedelta
    overlap: timedelta
    at_start: timedelta
    settle: timedelta
    lost_after: timedelta


@dataclass(frozen=True, slots=True)
class TelephoneRules:
    """Everything in ``telephone.yaml``.

    `sure` is the confidence from which spoken words of danger are believed (0 to 1).
    `sounds_like` are, by language, pairs of what is heard and what may have been said.
    A prompt speaks at most `options_at_once` in one breath, then it waits for `between_halves`.
    """

    listen: timedelta
    between_keys: timedelta
    between_halves: timedelta
    options_at_once: int
    hold_message: timedelta
    greeting: timedelta
    sure: float
    sounds_like: Mapping[str, tuple[tuple[str, str], ...]]
    spoken_as: Mapping[str, str]
    voicemail_longest: timedelta
    voicemail_kept: timedelta


@dataclass(frozen=True, slots=True)
class Protocol:
    """What the line says and does, as one value; `hash` names this exact version."""

    states: Mapping[str, State]
    rules: tuple[Rule, ...]
    flags: Mapping[str, Flag]
    notices: tuple[Send, ...]
    plus_one: frozenset[str]
    silence: Mapping[str, tuple[SilenceStep, ...]]
    messages: Mapping[str, Mapping[str, Message]]
    offered: tuple[str, ...]
    countries: Mapping[str, Country]
    fallback_country: str
    carrier_words: Mapping[str, frozenset[str]]
    answer_words: Mapping[str, Mapping[str, frozenset[str]]]
    other_languages: Mapping[str, frozenset[str]]
    lexicon: Lexicon
    callbacks: CallbackRules
    escalation: EscalationRules
    reconciler: ReconcilerRules
    outbound: OutboundRules
    telephone: TelephoneRules
    facilities: tuple[Facility, ...]
    hash: str
