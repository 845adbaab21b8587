"""Messages that callers left on the telephone: listened to by whoever may read their case."""

from helpline.domain.rights import Right, need
from helpline.runtime import Runtime
from helpline.service.console import reading
from helpline.store import cases, journal, timeline
from helpline.store.people import Person


def listen(rt: Runtime, reader: Person, recording_id: int) -> bytes | None:
    """The sound, noted with who listened; None when it is gone.

    Raises:
        LookupError: there is no such message.
        NotAllowed: its case is a colleague's.
        ConnectionError: the carrier, who keeps the sound, does not answer.
    """
    need(reader.role, Right.WORK)
    now = rt.clock.now()
    with rt.store.begin() as tx:
        found = timeline.find_left(tx, recording_id)
        if found is None:
            raise LookupError(f"no recording {recording_id}")
        case_id, left = found
        reading.check_may_read(tx, reader, cases.get(tx, case_id))
        journal.note(tx, "listened", "recording", recording_id, now=now, actor=f"staff:{reader.id}")
    return None if left.gone else rt.carrier.fetch_recording(left.sid)
