"""Two machines stop; nobody else does."""

from datetime import datetime, timedelta

import pytest

from helpline.domain.progress import Progress
from helpline.domain.risk import assess
from helpline.domain.said import Words
from helpline.domain.triage import advance
from tests.phone import NOON, messages, protocol

DRIVING = "I'm driving with Do Not Disturb While Driving turned on. I'll see your message later."


class Chat:
    """Somebody texts; what is answered."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.now = NOON

    def says(self, body: str, after: float = 3, **more: object) -> list[str]:
        self.now = self.now + timedelta(seconds=after)
        heard = assess(
            body,
            protocol().lexicon,
            recent=self.progress.recent_parts(self.now),
            hot=self.progress.heard_danger(self.now),
        )
        said = Words(body, **more)  # type: ignore[arg-type]
        step = advance(protocol(), self.progress, said, heard, self.now, staffed=True)
        self.progress = Progress.from_json(step.progress.to_json())
        return messages(step.effects)

    def many(self, *bodies: str, after: float = 3) -> list[bool]:
        return [bool(self.says(body, after)) for body in bodies]


@pytest.mark.parametrize("after", [0.5, 3, 20])
def test_the_same_words_stop_after_five_answers(after: float) -> None:
    chat = Chat()
    answered = chat.many(*["Thanks for contacting Joe's Pizza, we will get back to you"] * 8,
                         after=after)  # fmt: skip
    assert answered == [True] * 5 + [False] * 3


def test_numbers_in_the_words_make_no_difference() -> None:
    chat = Chat()
    answered = chat.many(*[f"Ticket {n * 37}: we will get back to you" for n in range(8)])
    assert answered == [True] * 5 + [False] * 3


def test_machines_that_say_so_are_one_however_they_put_it() -> None:
    chat = Chat()
    many = [
        DRIVING,
        "Automatic reply: I am away",
        "Automated message: we are closed",
        "Out of office until Monday",
        "AutoReply - closed",
        "Do not reply to this number",
        "Auto-reply: busy",
    ]
    assert chat.many(*many, after=10) == [True] * 5 + [False] * 2


def test_two_helplines_that_answer_each_other_stop() -> None:
    """Each text is another one, long, and sooner than a hand could type it; the first is not."""
    chat = Chat()
    long = "Thank you for reaching out to our support line number {}, a {} member is coming soon"
    words = ["cheerful", "patient", "kind", "skilled", "tired", "happy", "clever", "quick"]
    bodies = [long.format(name[::-1], name) for name in words]
    assert chat.many(*bodies, after=2) == [True] * 6 + [False] * 2


def test_a_different_text_gets_through_at_once() -> None:
    chat = Chat()
    chat.many(*[DRIVING] * 7)
    assert chat.says(DRIVING) == []
    assert chat.says("sorry that was my phone, can somebody talk to me", after=20)


def test_danger_is_answered_in_the_middle_of_a_loop() -> None:
    chat = Chat()
    chat.many(*[DRIVING] * 7)
    assert chat.says("i want to kill myself")
    assert chat.says("please", 1)


def test_after_danger_nobody_is_taken_for_a_machine() -> None:
    chat = Chat()
    assert chat.says("i want to kill myself")
    assert chat.says("please", 2)
    for _ in range(12):
        before = chat.progress.to_json()
        chat.says("please somebody answer me i am so afraid of tonight", 0.5)
        assert chat.progress.to_json() != before
        assert chat.progress.echoes == {}


def test_the_same_answer_to_each_question_is_an_answer() -> None:
    chat = Chat()
    chat.says("hi")
    states = []
    for _ in range(8):
        chat.says("2", 2)
        states.append((chat.progress.state, chat.progress.question))
    assert len(set(states)) == 8, "every 2 moved on"


def test_carrier_words_always_count() -> None:
    chat = Chat()
    chat.many(*["hello"] * 8)
    assert chat.says("hello") == []
    assert chat.says("HELP")
    for _ in range(6):
        assert chat.says("HELP") or chat.progress.question is not None
    chat.says("STOP")
    assert chat.progress.opted_out


def test_a_person_who_asks_now_and_then_is_always_answered() -> None:
    chat = Chat()
    assert all(chat.many(*["hello?"] * 30, after=40))


def test_a_burst_of_different_words_is_answered() -> None:
    """Somebody types fast, in pieces."""
    chat = Chat()
    parts = ("hey", "its me", "cant do this", "the ket", "every day now", "my stomach", "so bad")
    assert all(chat.many(*parts, after=1.5))


def test_a_typed_text_after_a_burst_from_a_phone_without_signal_is_answered() -> None:
    chat = Chat()
    long = "we had a terrible evening again and nobody knows about it but {} and her brother"
    chat.many(*[long.format(name) for name in "abcdefgh"], after=0.2)
    assert chat.says("and then she told everybody in her family about it, what should we do", 30)


def test_it_rests_and_then_answers_again() -> None:
    chat = Chat()
    chat.many(*[DRIVING] * 6)
    assert chat.says(DRIVING, after=300) == []
    assert chat.says(DRIVING, after=301)
    assert chat.many(*[DRIVING] * 6)[-1] is False


def test_a_held_conversation_is_a_humans_and_counts_nothing() -> None:
    chat = Chat()
    chat.says("hi")
    chat.progress.held = True
    before = chat.progress.echoes
    chat.many(*[DRIVING] * 8)
    assert chat.progress.echoes == before


def test_what_is_kept_is_small_and_holds_no_words() -> None:
    chat = Chat()
    for number in range(60):
        chat.says(f"{chr(97 + number % 26) * (number // 26 + 3)} is what i call it", 5)
    assert len(chat.progress.echoes) <= 12
    assert not any(" " in mark for mark in chat.progress.echoes)
    assert isinstance(chat.now, datetime)


def test_silence_goes_on_counting_while_a_machine_is_not_answered() -> None:
    """The clock of the last real text stands: somebody looks after it as after any silence."""
    chat = Chat()
    chat.many(*[DRIVING] * 5)
    silent_from = chat.progress.silence_from
    chat.many(*[DRIVING] * 3)
    assert chat.progress.silence_from == silent_from
