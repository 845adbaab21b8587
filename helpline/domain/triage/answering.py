"""An ordinary text: an answer to the question asked, or words to be made sense of."""

from datetime import UTC

from helpline.domain.answers import is_word, says_nothing_else, understand, whole
from helpline.domain.disposition import Disposition
from helpline.domain.effects import BookCallback, SendText
from helpline.domain.protocol import Answer, Question, State
from helpline.domain.said import Words
from helpline.domain.schedule import understand_time
from helpline.domain.triage import language, numbers
from helpline.domain.triage.turn import (
    DANGER_STATES,
    HUMAN_STATES,
    MEDICAL,
    SUICIDE_LADDER,
    Turn,
)


def everywhere(turn: Turn, said: Words) -> bool:
    words = turn.protocol.answer_words[turn.progress.language]
    tags = turn.assessment.tags
    text = whole(said.body)
    if text in words["crisis"]:
        turn.progress.path = turn.progress.path or "self"
        turn.raise_floor(Disposition.CRISIS_LIVE, "asked for crisis support")
        # Where life is at risk, asking for more help must not bring calmer words.
        emergency = turn.progress.disposition is Disposition.EMERGENCY_NOW
        name = "EMERGENCY" if emergency else "CRISIS"
        turn.enter(f"{name}_OTHER" if turn.progress.path == "other" else name)
        turn.page(Disposition.CRISIS_LIVE, "asked for crisis support")
    elif text in words["person"]:
        to_human(turn, "H0", "HUMAN_ASKED")
    elif "bot_question" in tags and _unanswered(turn, said):
        turn.send("BOT")
        turn.repeat()
    elif "privacy_question" in tags and _unanswered(turn, said):
        turn.send("PRIV")
        turn.repeat()
    else:
        return False
    return True


def _unanswered(turn: Turn, said: Words) -> bool:
    question = turn.question()
    return question is None or question.choose == "words" or choices(turn, question) is None


def to_human(turn: Turn, message: str, flag: str) -> None:
    """Say the message, and let a human go on from here."""
    turn.flag(flag)
    turn.send(message)
    if turn.progress.state not in DANGER_STATES:
        turn.progress.state = "HUMAN"
        turn.progress.question = None
    turn.effects.append(BookCallback(at_once=True))


def answer(turn: Turn, said: Words, first: bool) -> None:
    progress = turn.progress
    if progress.nudge and _answer_nudge(turn):
        return
    if progress.state is None or (progress.state == "WELCOME" and progress.question is None):
        _welcome(turn)
        return
    if numbers.sent_by_itself(turn, said.body):
        return
    question = turn.question()
    if question is not None:
        if question.choose == "words":
            _take_words(turn, question, said.body)
            return
        chosen = choices(turn, question)
        if chosen is not None:
            _take(turn, question, chosen)
            return
    _unclear(turn, said)


def choices(turn: Turn, question: Question) -> tuple[str, ...] | None:
    state = turn.protocol.states[turn.progress.state or "WELCOME"]
    return understand(
        question,
        body(turn),
        turn.assessment.tags,
        turn.protocol.answer_words[turn.progress.language],
        safety=state.safety,
        language=turn.progress.language,
    )


def is_plain_answer(turn: Turn) -> bool:
    """Is the text an answer to what was asked, and no word more?

    What we offer ourselves ("blood in pee", "ketamine and alcohol") says at that question what
    its rules provide for; anywhere else the same words are a reason to ask.
    """
    question = turn.question()
    return question is not None and says_nothing_else(question, body(turn), turn.progress.language)


def body(turn: Turn) -> str:
    """What was said just now."""
    return turn.progress.recent[-1][1] if turn.progress.recent else ""


def _answer_nudge(turn: Turn) -> bool:
    """N1 is outstanding beside the question: two readings give the riskier one."""
    nudge = turn.protocol.states["SAFETY_MED"].questions[0]
    words = turn.protocol.answer_words[turn.progress.language]
    text = body(turn)
    choices = understand(nudge, text, (), words, safety=True, language=turn.progress.language)
    turn.progress.nudge = None
    if choices is None:
        return False
    turn.note_answer("N1", list(choices))
    if choices[0] == "2":
        if turn.progress.state in DANGER_STATES | HUMAN_STATES:
            turn.send("H1")
        else:
            turn.repeat()
        return True
    turn.enter("EMERGENCY_OTHER" if turn.progress.path == "other" else "EMERGENCY")
    turn.page(Disposition.EMERGENCY_NOW, "in danger after silence")
    return True


def _welcome(turn: Turn) -> None:
    """The first words of a caller: say who we are, and skip what is already clear."""
    if _none_of_our_languages(turn):
        return
    hint = turn.assessment.path_hint
    if hint is None and turn.assessment.tags & {"ketamine", "wants_treatment"}:
        hint = "self" if len(body(turn)) > len("ketamine") else None
    if hint is None:
        turn.enter("WELCOME")
        return
    turn.send("W0")
    turn.progress.path = hint
    turn.enter(MEDICAL[hint])
    turn.disclose()


def _take(turn: Turn, question: Question, choices: tuple[str, ...]) -> None:
    progress = turn.progress
    progress.misunderstood = 0
    if question.message == "O3" and choices[0] != "2":
        # Said by key, but as good as words: who rings and what is sent depend on it for a day.
        progress.hits["emergency.violence"] = turn.at
    turn.note_answer(question.message, list(choices))
    answer = question.answers[choices[0]]
    if progress.state == "WELCOME":
        progress.path = {"1": "self", "2": "other", "3": "rx"}[choices[0]]
    turn.raise_by_rules()
    for send in answer.sends:
        turn.send_when(send.message, send.when.holds(turn.facts()))
    if answer.page:
        kind = max(progress.disposition, Disposition.CRISIS_LIVE)
        turn.page(kind, f"answer {question.message}")
    if question.message == "C5" and choices[0] in {"1", "2"}:
        progress.language = "es" if choices[0] == "2" else "en"
        progress.language_chosen = True
    _go_on(turn, question, answer)


def _take_words(turn: Turn, question: Question, body: str) -> None:
    progress = turn.progress
    skip = is_word(body, turn.protocol.answer_words[progress.language]["decline"])
    if question.saves == numbers.SAVES and not skip:
        number = numbers.read(turn, body)
        if number is None:
            _ask_again(turn, question)
            return
        numbers.keep(turn, number)
    elif question.saves and not skip:
        progress.words[question.saves] = body.strip()[:200]
    progress.misunderstood = 0
    turn.note_answer(question.message, ["skip" if skip else "said"])
    turn.raise_by_rules()
    _go_on(turn, question, Answer("said"))


def _ask_again(turn: Turn, question: Question) -> None:
    """What was said cannot be taken, and they were told why; a second time a human goes on."""
    turn.progress.misunderstood += 1
    if turn.progress.misunderstood > 1:
        turn.progress.misunderstood = 0
        turn.note_answer(question.message, ["unclear"])
        to_human(turn, "X2", "HUMAN_ASKED")


def _go_on(turn: Turn, question: Question, answer: Answer) -> None:
    """Follow the answer, else the next question that applies, else the state's way on."""
    progress = turn.progress
    state = turn.protocol.states[progress.state or "WELCOME"]
    target = turn.branch(answer.go)
    if target is None:
        following = turn.next_question(state, after=question)
        if following is not None:
            turn.prompt(following)
            return
        target = turn.branch(state.then)
    if target is None:
        _rest(turn, state)
    elif target == "RETURN" or (progress.returns_to and _is_harmless(turn, target)):
        _return(turn)
    else:
        turn.enter(target)


def _is_harmless(turn: Turn, target: str) -> bool:
    """A detour ends where the person said no; danger goes its own way."""
    return target not in DANGER_STATES | SUICIDE_LADDER | {"O_SUI", "HUMAN_VOICE", "COMPLIANCE"}


def _return(turn: Turn) -> None:
    back = turn.progress.returns_to or "WELCOME"
    turn.progress.returns_to = None
    turn.progress.silence = None
    state = turn.protocol.states[back]
    if state.kind == "ask":
        turn.enter(back)
        return
    turn.progress.state = back
    turn.progress.question = None
    turn.send("Q1" if back == "QUEUED" else "H1")


def _rest(turn: Turn, state: State) -> None:
    """Everything was asked here; a human has the rest."""
    turn.progress.question = None
    if not any(isinstance(effect, SendText) for effect in turn.effects):
        turn.send("Q1" if state.id in {"QUEUED", "CLOSED"} else "H1")


def _unclear(turn: Turn, said: Words) -> None:
    """X1 once, then a human (PROTOCOL 3.7). While a human is coming, thanks and the numbers."""
    progress = turn.progress
    state = turn.protocol.states[progress.state or "WELCOME"]
    if _take_time(turn, said.body):
        return
    if state.kind in {"wait", "end"}:
        _while_waiting(turn, state)
        return
    if not said.on_call and _none_of_our_languages(turn):
        return
    hint = turn.assessment.path_hint
    if state.id == "WELCOME" and hint is not None:
        turn.send("W3")
        progress.path = hint
        turn.enter(MEDICAL[hint])
        return
    progress.misunderstood += 1
    if progress.misunderstood == 1:
        turn.send("X1")
        turn.repeat()
        return
    progress.misunderstood = 0
    to_human(turn, "X2", "UNCLEAR" if state.safety else "HUMAN_ASKED")


def _none_of_our_languages(turn: Turn) -> bool:
    """Offer those we speak, and bring a human: what cannot be read may be anything."""
    if language.OFFERED in turn.progress.flags:
        return False
    if not language.is_none_of_ours(turn.protocol, body(turn)):
        return False
    to_human(turn, "TWO_LANG", language.OFFERED)
    return True


def _while_waiting(turn: Turn, state: State) -> None:
    if "still_calling" in turn.assessment.tags and state.id in HUMAN_STATES | {"QUEUED"}:
        turn.send("STILL")
        turn.progress.returns_to = state.id
        turn.enter(MEDICAL[turn.progress.path or "self"])
    elif state.id == "CLOSED" and not turn.progress.disposition.is_urgent:
        # "No one will call you" was said, so these words are the beginning of something new.
        turn.afresh()
        _welcome(turn)
    elif state.id in {"QUEUED", "CLOSED"}:
        turn.send("Q1")
    else:
        turn.send("H1")


def _take_time(turn: Turn, body: str) -> bool:
    """A day and time in the caller's own words, at the question when to call."""
    question = turn.question()
    if question is None or question.saves != "time":
        return False
    if understand_time(body, turn.now.astimezone(UTC)) is None:
        return False
    _take_words(turn, question, body)
    return True
