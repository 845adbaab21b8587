"""Rules about what went out: once, from a row, never two calls to one caller."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.book import Made
from tests.chaos.world import Violation, World

TO_CALLER = "0"
"""Where the name of a notice says which member of staff it is for, this is the caller."""

_FINAL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


def one_live_dial(world: World) -> Iterator[Violation]:
    """A caller is never called while another call to them is under way.

    An outside line takes the callers of many at once.
    """
    for number, calls in _by_number(world).items():
        if world.is_staff(number) or all(_is_outside(world, call) for call in calls):
            continue
        for earlier, later in pairwise(calls):
            if earlier.over is None or earlier.over > later.place:
                yield Violation("two live dials", f"{earlier.sid} and {later.sid}")


def dialled_once(world: World) -> Iterator[Violation]:
    """One call for one attempt; only a page to staff may ring again (two rings beat none)."""
    for token, calls in _by_token(world.book.calls).items():
        if calls[0].direct:
            yield from _direct(world, "dialled twice", calls)
            continue
        leg = world.attempts.get(token)
        if leg is None:
            yield Violation("call without a row", calls[0].sid)
        elif len(calls) > 1 and (leg["page_id"] is None or leg["leg"] == "caller"):
            yield Violation("dialled twice", f"attempt {leg['id']}: {len(calls)} calls")


def sent_once(world: World) -> Iterator[Violation]:
    """One text for one row; only what is a crisis may be repeated."""
    crisis = {
        row["row_id"] for row in world.rows.outbox if row["kind"] == "text" and row["priority"] == 0
    }
    for token, texts in _by_token(world.book.texts).items():
        if texts[0].direct:
            yield from _direct(world, "text sent twice", texts)
            continue
        row = world.texts.get(token)
        if row is None:
            yield Violation("text without a row", texts[0].sid)
        elif len(texts) > 1 and row["id"] not in crisis:
            yield Violation("text sent twice", f"message {row['id']}: {len(texts)} texts")


def outbox_drained(world: World) -> Iterator[Violation]:
    """Nothing that was due is left undone."""
    for effect in world.rows.outbox:
        waits = effect["state"] == "new" and world.is_stale(effect["due_at"])
        stuck = effect["state"] == "claimed" and world.is_stale(effect["claimed_until"])
        if waits or stuck:
            yield Violation(
                "effect left", f"{effect['kind']} {effect['row_id']} is {effect['state']}"
            )


def legs_closed(world: World) -> Iterator[Violation]:
    """A call that is over at the carrier is over in the database."""
    over = {call.token for call in world.book.calls.values() if call.over is not None}
    live = {call.token for call in world.book.calls.values() if call.over is None}
    for leg in world.rows.attempt:
        if leg["state"] not in _FINAL and leg["token"] in over - live:
            yield Violation("leg never closed", f"attempt {leg['id']} is {leg['state']}")


def _is_outside(world: World, call: Made) -> bool:
    leg = world.attempts.get(call.token)
    return leg is not None and leg["leg"] == "outside"


def _direct(world: World, kind: str, made: list[Made]) -> Iterator[Violation]:
    """Sent without the database, so without a row: by one name once, and to staff.

    Only the honest word that nobody has come yet goes to a caller.
    """
    if len(made) > 1:
        yield Violation(kind, f"without the database, {made[0].sid}: {len(made)} times")
    for each in made:
        if not world.is_staff(each.to) and (not each.body or each.direct != TO_CALLER):
            yield Violation("not to staff", each.sid)


def _by_number(world: World) -> dict[str, list[Made]]:
    found: dict[str, list[Made]] = defaultdict(list)
    for call in sorted(world.book.calls.values(), key=lambda call: call.place):
        found[call.to].append(call)
    return found


def _by_token(made: dict[str, Made]) -> dict[str, list[Made]]:
    found: dict[str, list[Made]] = defaultdict(list)
    for each in made.values():
        found[each.token].append(each)
    return found
