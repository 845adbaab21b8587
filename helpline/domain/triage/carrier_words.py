"""STOP, HELP, START and wishes in a sentence (PROTOCOL 4.4, 4.5; CONTRACT 4)."""

from helpline.domain.answers import is_word, whole
from helpline.domain.disposition import Disposition
from helpline.domain.effects import BookCallback, OptIn, OptOut
from helpline.domain.risk import Level
from helpline.domain.said import CarrierWord, Words
from helpline.domain.triage.turn import Turn


def carrier_word(turn: Turn, said: Words, first: bool, had_danger: bool) -> bool:
    word = family(turn, said)
    if word is CarrierWord.STOP:
        _stop(turn, said, had_danger)
    elif word is CarrierWord.HELP:
        _help(turn, said, first)
    elif word is CarrierWord.START:
        _start(turn, said)
    return word is not None


def family(turn: Turn, said: Words) -> CarrierWord | None:
    words = turn.protocol.carrier_words
    text = whole(said.body)
    yes = text in words["start_again"]
    if yes and not turn.progress.opted_out and said.answered in {None, CarrierWord.START}:
        return None  # "Yes" is an answer, even where the carrier greets it as well.
    if said.answered is not None:
        return said.answered
    if text in words["stop"] or text in words["stop_ours"]:
        return CarrierWord.STOP
    if text in words["help"] or text in words["help_ours"]:
        return CarrierWord.HELP
    if text in words["start"]:
        return CarrierWord.START
    return CarrierWord.START if yes else None


def _stop(turn: Turn, said: Words, had_danger: bool) -> None:
    """Opted out; an open urgent case is telephoned before it may close (PROTOCOL 4.5)."""
    if said.answered is None and not turn.progress.opted_out:
        if said.whatsapp:
            turn.send("WHATSAPP_STOP")
        elif not is_word(said.body, turn.protocol.carrier_words["stop"]):
            turn.send("OPTOUT_DONE")
    _opt_out(turn, had_danger)


def _opt_out(turn: Turn, had_danger: bool) -> None:
    progress = turn.progress
    turn.flag("OPTED_OUT")
    progress.opted_out = True
    progress.question = progress.nudge = progress.returns_to = None
    turn.effects.append(OptOut())
    if had_danger or progress.disposition.is_urgent:
        progress.state = "HUMAN_VOICE"
        kind = max(progress.disposition, Disposition.CRISIS_LIVE)
        turn.page(kind, "opted out with an open case")
        turn.effects.append(BookCallback(at_once=True))
    else:
        progress.state = "CLOSED_OPTOUT"


def carrier_word_after_danger(turn: Turn, said: Words) -> None:
    """Danger was answered first; the wish to stop is still honoured."""
    if turn.assessment.level < Level.CRISIS or turn.progress.opted_out:
        return
    if family(turn, said) is CarrierWord.STOP:
        turn.flag("OPTED_OUT")
        turn.progress.opted_out = True
        turn.effects += [OptOut(), BookCallback(at_once=True)]


def _help(turn: Turn, said: Words, first: bool) -> None:
    turn.flag("HELP_WORD")
    if first or turn.progress.state is None:
        turn.progress.state = "WELCOME"  # W1 was not sent: the next words are welcomed as the first
    if said.answered is None:
        turn.send("KW_HELP")
    if not turn.progress.disposition.is_urgent:
        turn.progress.silence = "help_word"


def _start(turn: Turn, said: Words) -> None:
    progress = turn.progress
    if progress.opted_out:
        progress.opted_out = False
        progress.flags = [flag for flag in progress.flags if flag not in {"OPTED_OUT", "NO_SMS"}]
        turn.effects.append(OptIn())
    progress.state = "COMPLIANCE"
    progress.question = "KW_START"
    progress.nudge = progress.returns_to = None
    progress.path = progress.path or "self"
    if said.answered is None:
        turn.send("KW_START")


def wish_to_stop(turn: Turn, had_danger: bool) -> bool:
    """ "Stop texting me" in a sentence counts, in any words (PROTOCOL 4.4)."""
    if "opt_out_sentence" not in turn.assessment.tags:
        return False
    turn.send("OPTOUT_DONE")
    _opt_out(turn, had_danger)
    return True
