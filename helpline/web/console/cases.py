"""One case: read, called, written to, noted, moved, lowered, ended."""

from collections.abc import Callable

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from helpline.domain.commands import LONGEST_SAYING, CallOutcome
from helpline.domain.disposition import Disposition
from helpline.service.console import Person, acts, callers, left_messages, reading, times
from helpline.service.console.acts import Result
from helpline.web.console.guards import for_staff, for_supervisors, me, runtime
from helpline.web.console.telling import show

cases = Blueprint("cases", __name__, url_prefix="/cases/<int:case_id>")
left = Blueprint("left", __name__)


@cases.get("")
@for_staff
def case(case_id: int) -> ResponseReturnValue:
    """Everything about one case."""
    page = reading.open_case(runtime(), me(), case_id)
    return render_template(
        "case.html",
        page=page,
        now=runtime().clock.now(),
        longest=LONGEST_SAYING,
        outcomes=tuple(CallOutcome),
        lower_to=tuple(
            item for item in Disposition if Disposition.INFO < item < page.work.disposition
        ),
    )


def _act(case_id: int, act: Callable[[Person], Result]) -> ResponseReturnValue:
    show(act(me()))
    return redirect(url_for("cases.case", case_id=case_id))


@cases.post("/take")
@for_staff
def take(case_id: int) -> ResponseReturnValue:
    """The case is mine."""
    return _act(case_id, lambda person: acts.take(runtime(), person, case_id))


@cases.post("/call")
@for_staff
def call(case_id: int) -> ResponseReturnValue:
    """My telephone rings, then the caller's."""
    return _act(case_id, lambda person: acts.call_now(runtime(), person, case_id))


@cases.post("/say")
@for_staff
def say(case_id: int) -> ResponseReturnValue:
    """A text to the caller."""
    words = request.form.get("words", "")
    return _act(case_id, lambda person: acts.say(runtime(), person, case_id, words))


@cases.post("/note")
@for_staff
def note(case_id: int) -> ResponseReturnValue:
    """Something for whoever has the case next."""
    words = request.form.get("words", "")
    return _act(case_id, lambda person: acts.note(runtime(), person, case_id, words))


@cases.post("/outcome")
@for_staff
def outcome(case_id: int) -> ResponseReturnValue:
    """What came of it."""
    chosen = request.form.get("outcome", "")
    if chosen not in {str(int(item)) for item in CallOutcome}:
        abort(400)
    words = request.form.get("words", "")
    return _act(
        case_id,
        lambda person: acts.tell_outcome(
            runtime(), person, case_id, CallOutcome(int(chosen)), words
        ),
    )


@cases.post("/move")
@for_staff
def move(case_id: int) -> ResponseReturnValue:
    """The call at another time."""
    at = request.form.get("at", "")[:40]
    return _act(case_id, lambda person: times.move_call(runtime(), person, case_id, at))


@cases.post("/lower")
@for_staff
def lower(case_id: int) -> ResponseReturnValue:
    """Less urgent than it was, with a reason."""
    wanted = request.form.get("to", "")
    if wanted not in Disposition.__members__:
        abort(400)
    reason = request.form.get("reason", "")
    return _act(
        case_id,
        lambda person: acts.lower(runtime(), person, case_id, Disposition[wanted], reason),
    )


@cases.post("/ask")
@for_staff
def ask(case_id: int) -> ResponseReturnValue:
    """Have them asked how they are."""
    at = request.form.get("at", "")[:40]
    return _act(case_id, lambda person: times.plan_question(runtime(), person, case_id, at))


@cases.post("/ask/<int:follow_up_id>/cancel")
@for_staff
def do_not_ask(case_id: int, follow_up_id: int) -> ResponseReturnValue:
    """They do not want to be asked."""
    return _act(
        case_id,
        lambda person: times.cancel_question(runtime(), person, case_id, follow_up_id),
    )


@cases.post("/danger/<int:message_id>")
@for_staff
def danger(case_id: int, message_id: int) -> ResponseReturnValue:
    """Was it danger, or not?"""
    real = request.form.get("real") == "yes"
    return _act(
        case_id,
        lambda person: acts.judge_danger(runtime(), person, case_id, message_id, real=real),
    )


@cases.post("/fresh")
@for_staff
def fresh(case_id: int) -> ResponseReturnValue:
    """Somebody else has this number now."""
    return _act(case_id, lambda person: callers.changed_hands(runtime(), person, case_id))


@cases.post("/hand")
@for_supervisors
def hand(case_id: int) -> ResponseReturnValue:
    """Somebody else's from now on."""
    to = request.form.get("to", "")
    if not to.isdecimal():
        abort(400)
    return _act(case_id, lambda person: acts.hand_over(runtime(), person, case_id, int(to)))


@cases.post("/block")
@for_supervisors
def block(case_id: int) -> ResponseReturnValue:
    """No more answers, except to danger."""
    reason = request.form.get("reason", "")
    return _act(case_id, lambda person: callers.block(runtime(), person, case_id, reason))


@cases.post("/merge")
@for_supervisors
def merge(case_id: int) -> ResponseReturnValue:
    """The same person as another."""
    code = request.form.get("code", "")[:12]
    return _act(case_id, lambda person: callers.merge(runtime(), person, case_id, code))


@cases.post("/part")
@for_supervisors
def part(case_id: int) -> ResponseReturnValue:
    """Not the same person after all."""
    return _act(case_id, lambda person: callers.part(runtime(), person, case_id))


@left.get("/left/<int:recording_id>")
@for_staff
def listen(recording_id: int) -> ResponseReturnValue:
    """The sound of a message that a caller left."""
    try:
        sound = left_messages.listen(runtime(), me(), recording_id)
    except ConnectionError:
        abort(503)
    if sound is None:
        abort(410)
    return Response(sound, content_type="audio/mpeg")
