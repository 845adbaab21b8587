"""Staff ring the line: a short menu. Of callers nothing is said: anybody can fake a number."""

from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.phone import find_phone
from helpline.domain.progress import Progress
from helpline.domain.speech import Ask, CallStep, HangUp
from helpline.runtime import Runtime
from helpline.service import escalation, shift
from helpline.service.calls.prompts import CHOICE_WITHIN, NOTHING, say
from helpline.store import Transaction, cases, conversations, journal, people, retried
from helpline.store.people import Person

ASKED = ("/twilio/voice/line", "/twilio/voice/line/again", "/twilio/voice/line/last")
"""Where the key goes that was pressed after the first, second and third question."""


def rung(rt: Runtime, sender: str) -> tuple[CallStep, ...] | None:
    """The menu for a member of staff; None when somebody else rings."""
    with rt.store.read() as tx:
        person = _person(tx, sender)
    return None if person is None else _ask(rt, "LINE_MENU", 0)


@retried
def chosen(
    rt: Runtime, sender: str, recipient: str, digits: str | None, asked: int
) -> tuple[CallStep, ...]:
    """1 next case, 2 available, 3 away, 9 help. Else they are asked again, three times in all.

    `asked` counts the questions before this one.
    """
    now = rt.clock.now()
    urgent: tuple[int, ...] = ()
    with rt.store.begin() as tx:
        person = _person(tx, sender)
        if person is None:
            return NOTHING
        match digits:
            case "1":
                pause = rt.protocol.escalation.ring_back
                wish, urgent = shift.ring_next(rt, tx, person, now, after=pause)
                key = str(wish)
            case "2":
                shift.set_presence(rt, tx, person, True, now)
                key = shift.presence_words(person, True)
            case "3":
                shift.set_presence(rt, tx, person, False, now)
                key = shift.presence_words(person, False)
            case "9":
                urgent = tuple(_help(rt, tx, person, recipient, now))
                key = "LINE_HELP"
            case _:
                return _again(rt, asked + 1)
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break
    return (say(rt, key), HangUp())


def _again(rt: Runtime, asked: int) -> tuple[CallStep, ...]:
    if asked >= len(ASKED):
        return (say(rt, "LINE_GOODBYE"), HangUp())
    return _ask(rt, "LINE_AGAIN", asked)


def _ask(rt: Runtime, key: str, asked: int) -> tuple[CallStep, ...]:
    ask = Ask((say(rt, key),), ASKED[asked], timeout=CHOICE_WITHIN, silence_to_action=True)
    return (ask, HangUp())


def _person(tx: Transaction, sender: str) -> Person | None:
    phone = find_phone(sender)
    return people.find_by_phone(tx, phone) if phone is not None else None


def _help(rt: Runtime, tx: Transaction, person: Person, recipient: str, now: datetime) -> list[int]:
    """A case of their own, whose page goes to the supervisors at once."""
    line = recipient.strip()[:32] or "unknown"
    address = person.phone.e164
    place = conversations.lock(tx, address, line) or conversations.create(
        tx, address, line, whatsapp=False, now=now
    )
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    progress.floor = max(progress.disposition, Disposition.URGENT_15).name
    progress.state = "HUMAN"
    progress.heard_at = now.timestamp()
    conversations.heard(tx, place, progress.to_json(), now)
    work = cases.open_or_raise(
        tx,
        conversation_id=place.conversation_id,
        caller_id=place.caller_id,
        disposition=Disposition.URGENT_15,
        protocol_hash=rt.protocol.hash,
        now=now,
    )
    journal.note(tx, "asked for help", "staff", person.id, now=now, actor=f"staff:{person.id}")
    return escalation.page_supervisor(
        rt, tx, work, Disposition.URGENT_15, "staff asks for help", now, ring_caller=True
    )
