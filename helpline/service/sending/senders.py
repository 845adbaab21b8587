"""From which of our numbers something leaves, and whose rate it uses.

Callers only ever hear from the number they know. Staff may be paged from the numbers of an
account of its own, and are rung from all numbers in turn: a number that rings one handset
about 16 times an hour is marked as spam (FACTS).
"""

from helpline.domain.messages import segments
from helpline.domain.pace import Draw
from helpline.domain.phone import PhoneNumber
from helpline.runtime import Runtime


def for_caller_text(rt: Runtime, line: str | None) -> PhoneNumber:
    """The number that was texted."""
    return PhoneNumber(line) if line and line.startswith("+") else rt.line.sms_numbers[0]


def for_staff_text(rt: Runtime, *, crisis: bool, turn: int) -> PhoneNumber:
    """A page leaves from the crisis account's numbers, if it has any."""
    if crisis and rt.line.crisis_numbers:
        return _in_turn(rt.line.crisis_numbers, turn)
    return rt.line.sms_numbers[0]


def for_caller_call(rt: Runtime, line: str | None) -> PhoneNumber:
    """The number that the caller knows, when it can make calls; else always the same one."""
    known = {number.e164: number for number in rt.line.voice_numbers}
    return known.get(line or "", rt.line.voice_numbers[0])


def for_staff_call(rt: Runtime, *, crisis: bool, turn: int) -> PhoneNumber:
    """All our numbers in turn; `turn` counts the rings of this handset."""
    own = rt.line.crisis_numbers if crisis else ()
    return _in_turn(own or rt.line.voice_numbers, turn)


def draws_of_text(rt: Runtime, sender: PhoneNumber, body: str) -> tuple[Draw, ...]:
    """What a text takes from its number's rate and from the account's."""
    if sender in rt.line.crisis_numbers:
        return ()
    rules, parts = rt.protocol.outbound, segments(body)
    return (
        Draw("texts", rules.texts, parts),
        Draw(f"texts {sender.e164}", rules.texts_of_number, parts),
    )


def draws_of_call(rt: Runtime, sender: PhoneNumber) -> tuple[Draw, ...]:
    """What a new call takes from the account's rate; the crisis account has its own."""
    if sender in rt.line.crisis_numbers:
        return ()
    return (Draw("calls", rt.protocol.outbound.calls, 1),)


def _in_turn(numbers: tuple[PhoneNumber, ...], turn: int) -> PhoneNumber:
    return numbers[turn % len(numbers)]
