"""The working copy of one step: what all parts of the engine share."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from helpline.domain.conditions import Facts
from helpline.domain.disposition import Disposition
from helpline.domain.effects import (
    BookCallback,
    CancelCallback,
    CloseCase,
    Effect,
    PageStaff,
    SendText,
)
from helpline.domain.progress import Progress
from helpline.domain.protocol import Branch, Protocol, Question, State
from helpline.domain.risk import Assessment, Level
from helpline.domain.secrecy import may_ring

DANGER_STATES = frozenset({"EMERGENCY", "EMERGENCY_OTHER", "CRISIS", "CRISIS_OTHER"})
HUMAN_STATES = frozenset({"HUMAN", "HUMAN_VOICE"})
MEDICAL = {"self": "SAFETY_MED", "other": "O_MED", "rx": "R_MED"}
MANY_CONTACTS = 3
SUICIDE_LADDER = frozenset({"SUI_1", "SUI_2", "SUI_3", "SUI_4"})


class Turn:
    """One caller, one thing said, one moment. Never leaves this package."""

    def __init__(
        self,
        protocol: Protocol,
        progress: Progress,
        assessment: Assessment,
        now: datetime,
        staffed: bool,
    ) -> None:
        self.protocol = protocol
        self.progress = progress
        self.assessment = assessment
        self.now = now
        self.at = now.timestamp()
        self.staffed = staffed
        self.effects: list[Effect] = []
        self.floor_before = progress.disposition
        self._flags_due = self._rules_due = True

    def learned(self) -> None:
        """An answer or a word came: flags and rules must be asked again."""
        self._flags_due = self._rules_due = True

    def note_answer(self, question: str, choices: list[str]) -> None:
        """Keep an answer."""
        self.progress.answers[question] = choices
        self.learned()

    def hit_names(self) -> set[str]:
        """Category, tag, level and tag-at-level of every signal."""
        names = set()
        for signal in self.assessment.signals:
            names.add(signal.category)
            names.update(signal.tags)
            level = signal.level.name.lower()
            names.update(f"{level}.{tag}" for tag in signal.tags)
        found = self.assessment.without_score().level
        if found > Level.NONE:
            names.add(f"level.{found.name}")
        return names

    def page(self, kind: Disposition, reason: str) -> None:
        self.effects.append(PageStaff(kind, reason, ring_caller=may_ring(self.progress)))

    def facts_now(self) -> Facts:
        """The facts with only this message's hits: they choose the words of a danger reply.

        In an emergency only a new emergency changes the subject: after a knife, "I want to
        die" must not get "unlock the door".
        """
        facts = self.progress.facts(staffed=self.staffed)
        hits = frozenset(self.hit_names())
        calmer = self.assessment.level < Level.EMERGENCY
        if not hits or (calmer and facts.floor is Disposition.EMERGENCY_NOW):
            hits = frozenset(facts.hits)
        return Facts(
            facts.answers, facts.flags, hits, facts.path, facts.floor, self.staffed, facts.country
        )

    def question(self) -> Question | None:
        state = self.protocol.states.get(self.progress.state or "")
        asked = self.progress.question
        if state is None or asked is None:
            return None
        return next((item for item in state.questions if item.message == asked), None)

    def branch(self, branches: Iterable[Branch]) -> str | None:
        facts = self.facts()
        return next((branch.to for branch in branches if branch.when.holds(facts)), None)

    def next_question(self, state: State, after: Question | None = None) -> Question | None:
        questions = list(state.questions)
        start = questions.index(after) + 1 if after in questions else 0
        facts = self.facts()
        return next((item for item in questions[start:] if item.when.holds(facts)), None)

    def facts(self) -> Facts:
        """What is known now, flags included."""
        if self._flags_due:
            self._flags_due = False
            self.derive_flags()
        return self.progress.facts(staffed=self.staffed)

    def enter(self, name: str) -> None:
        """Say what the state says and ask its first question that applies."""
        progress = self.progress
        state = self.protocol.states[name]
        progress.state = name
        progress.question = progress.nudge = None
        progress.silence = None
        if name in DANGER_STATES or name == progress.returns_to:
            progress.returns_to = None
        self.raise_by_rules()
        if name not in DANGER_STATES:
            self.notices()
        facts = self.facts_now() if name in DANGER_STATES else self.facts()
        for send in state.says:
            self.send_when(send.message, send.when.holds(facts))
        question = next((item for item in state.questions if item.when.holds(facts)), None)
        if question is not None and name == "CLOSED" and progress.opted_out:
            question = None
        if question is not None:
            self.prompt(question)
        elif state.kind == "ask":
            target = self.branch(state.then)
            if target is not None:
                self.enter(target)
        self.arrive(name)

    def arrive(self, name: str) -> None:
        progress = self.progress
        if name == "HUMAN_VOICE":
            self.send_when("H1", not self.said_something())
            self.effects.append(BookCallback(at_once=True))
            if progress.disposition.is_danger:
                self.page(progress.disposition, "asked to be rung")
        elif name == "HUMAN":
            self.send_when("H1", not self.said_something())
            self.effects.append(BookCallback())
        elif name == "QUEUED":
            self.effects.append(BookCallback())
        elif name == "CLOSED" and not progress.disposition.is_urgent:
            self.effects += [CancelCallback(), CloseCase()]
        elif name == "CLOSED":
            self.send_when("Q1", not self.said_something())

    def afresh(self) -> None:
        """The next case of this conversation; what was heard in the last day still counts."""
        known = self.progress
        self.progress = replace(
            known.next_case(), recent=known.recent, silence_from=known.silence_from
        )
        self.floor_before = Disposition.NONE
        self.learned()

    def came(self) -> None:
        """Whoever comes a third time in a day is not helped by the same questions (rule V-09)."""
        if self.progress.came(self.now) >= MANY_CONTACTS:
            self.flag("THIRD_CONTACT")

    def said_something(self) -> bool:
        return any(isinstance(effect, SendText) for effect in self.effects)

    def prompt(self, question: Question) -> None:
        self.notices()
        self.progress.question = question.message
        self.send(question.message)
        if question.message == "W1":
            self.disclose()

    def disclose(self) -> None:
        """W2 once, straight after the first W1, never before a safety message."""
        if not self.progress.disclosed:
            self.progress.disclosed = True
            self.send("W2")

    def repeat(self) -> None:
        question = self.question()
        if question is not None:
            self.send(question.message)

    def notices(self) -> None:
        """Medical add-ons, each once in a case, when their condition first holds."""
        if self.progress.state in (DANGER_STATES | HUMAN_STATES) - {"EMERGENCY"}:
            return
        facts = self.facts()
        for notice in self.protocol.notices:
            if notice.message not in self.progress.sent and notice.when.holds(facts):
                self.progress.sent.append(notice.message)
                self.send(notice.message)

    def send(self, message: str) -> None:
        self.effects.append(SendText(message))

    def send_when(self, message: str, wanted: bool) -> None:
        if wanted and SendText(message) not in self.effects:
            self.send(message)

    def derive_flags(self) -> None:
        facts = self.progress.facts(staffed=self.staffed)
        for flag in self.protocol.flags.values():
            if flag.when is not None and flag.name not in facts.flags and flag.when.holds(facts):
                self.flag(flag.name)

    def flag(self, name: str) -> None:
        if name not in self.progress.flags:
            self.progress.flags.append(name)
            self._rules_due = True

    def raise_by_rules(self) -> None:
        """The highest matching rule is the floor; two aggravating facts add one level."""
        facts = self.facts()
        if not self._rules_due:
            return
        self._rules_due = False
        matched = self.progress.rules
        floor = Disposition.NONE
        for rule in self.protocol.rules:
            if rule.id in matched:
                floor = max(floor, rule.disposition)
            elif rule.when.holds(facts):
                matched.append(rule.id)
                floor = max(floor, rule.disposition)
        aggravating = self.protocol.plus_one.intersection(self.progress.flags)
        if floor > Disposition.INFO and len(aggravating) > 1:
            floor = floor.one_higher()
        self.progress.floor = max(self.progress.disposition, floor).name

    def raise_floor(self, floor: Disposition, rule: str) -> None:
        self.progress.rules.append(rule)
        self.progress.floor = max(self.progress.disposition, floor).name

    def settle(self) -> None:
        """What a risen floor owes: a call from URGENT_60 on, a page in danger (CONTRACT 3)."""
        self.raise_by_rules()
        floor = self.progress.disposition
        rose = floor > self.floor_before
        if floor.is_danger and rose and not any(isinstance(e, PageStaff) for e in self.effects):
            self.page(floor, "floor")
        if floor.is_danger and not self.progress.held:
            self.override(floor)
        if floor.is_urgent and rose:
            self.add_once(BookCallback())
        self.merge_pages()

    def override(self, floor: Disposition) -> None:
        """Danger found by a combination of answers goes to the danger state at once."""
        state = self.protocol.states.get(self.progress.state or "")
        if state is None or self.progress.opted_out or self.progress.state in DANGER_STATES:
            return
        if self.progress.state in HUMAN_STATES or floor <= self.floor_before:
            return
        emergency = floor is Disposition.EMERGENCY_NOW
        if not emergency and state.safety:
            return
        self.effects = [e for e in self.effects if not isinstance(e, SendText)]
        name = "EMERGENCY" if emergency else "CRISIS"
        self.enter(f"{name}_OTHER" if self.progress.path == "other" else name)

    def add_once(self, effect: BookCallback) -> None:
        if not any(isinstance(item, BookCallback) for item in self.effects):
            self.effects.append(effect)

    def merge_pages(self) -> None:
        """One page and one booking for one step, of the highest kind."""
        pages = [e for e in self.effects if isinstance(e, PageStaff)]
        if pages:
            worst = max(pages, key=lambda page: page.kind)
            kind = max(worst.kind, self.progress.disposition)
            self.effects = [e for e in self.effects if not isinstance(e, PageStaff)]
            self.effects.append(PageStaff(kind, worst.reason, may_ring(self.progress)))
        books = [e for e in self.effects if isinstance(e, BookCallback)]
        if len(books) > 1:
            at_once = any(book.at_once for book in books)
            self.effects = [e for e in self.effects if not isinstance(e, BookCallback)]
            self.effects.append(BookCallback(at_once))
