"""The REST API's recordings and conferences.

Rules: https://www.twilio.com/docs/voice/api/recording,
/docs/voice/api/conference-resource, /docs/voice/api/conference-participant-resource.
"""

from __future__ import annotations

from flask import Response, request

from helpline.simulator.call import CallLeg
from helpline.simulator.call_checks import check_participant_update
from helpline.simulator.carrier import Carrier
from helpline.simulator.conference import Conference
from helpline.simulator.recordings import Recording
from helpline.simulator.records import API_VERSION
from helpline.simulator.rest_answers import answer, not_found, page, same
from helpline.simulator.rest_checks import Refused, check_fields


class RecordingViews:
    """`Recordings.json`, `Recordings/<sid>` in three forms, and their deletion."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier

    def list_recordings(self) -> Response:
        of_call = same("CallSid")
        kept = [one for one in self.carrier.recordings.list_kept() if of_call(one.call_sid)]
        path = f"/{API_VERSION}/Accounts/{self.carrier.settings.account_sid}/Recordings.json"
        return page("recordings", path, kept, Recording.as_json)

    def get_recording(self, sid: str) -> Response:
        return answer(self._find(sid).as_json())

    def play_wav(self, sid: str) -> Response:
        return self._media(sid, "wav")

    def play_mp3(self, sid: str) -> Response:
        return self._media(sid, "mp3")

    def delete_recording(self, sid: str) -> Response:
        self.carrier.recordings.delete(self._find(sid))
        return Response(status=204)

    def _media(self, sid: str, form: str) -> Response:
        recording = self._find(sid)
        if recording.status != "completed":
            raise not_found()
        content, content_type = recording.media(form)
        return Response(content, content_type=content_type)

    def _find(self, sid: str) -> Recording:
        recording = self.carrier.recordings.find(sid)
        if recording is None:
            raise not_found()
        return recording


class ConferenceViews:
    """`Conferences.json`, one conference, and its participants."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier

    def list_conferences(self) -> Response:
        with self.carrier.ledger.changed:
            rooms = [room.as_json() for room in reversed(self.carrier.rooms.values())]
        name, status = same("FriendlyName"), same("Status")
        wanted = [r for r in rooms if name(r["friendly_name"]) and status(r["status"])]
        return page("conferences", f"{self._base}.json", wanted, dict)

    def get_conference(self, sid: str) -> Response:
        return answer(self._room(sid).as_json())

    def update_conference(self, sid: str) -> Response:
        check_fields(request.form, frozenset({"Status"}))
        if request.form.get("Status") != "completed":
            raise Refused(20001, "Only Status=completed can be set on a conference.")
        with self.carrier.ledger.changed:
            room = self._room(sid)
            room.close()
            return answer(room.as_json())

    def list_participants(self, sid: str) -> Response:
        with self.carrier.ledger.changed:
            room = self._room(sid)
            people = [room.participant_json(leg) for leg in room.legs]
        return page("participants", f"{self._base}/{sid}/Participants.json", people, dict)

    def get_participant(self, sid: str, call: str) -> Response:
        with self.carrier.ledger.changed:
            room, leg = self._participant(sid, call)
            return answer(room.participant_json(leg))

    def update_participant(self, sid: str, call: str) -> Response:
        changes = check_participant_update(request.form)
        with self.carrier.ledger.changed:
            room, leg = self._participant(sid, call)
            room.change(leg, **changes)
            return answer(room.participant_json(leg))

    def remove_participant(self, sid: str, call: str) -> Response:
        with self.carrier.ledger.changed:
            room, leg = self._participant(sid, call)
            room.leave(leg, "participant_removed")
        return Response(status=204)

    @property
    def _base(self) -> str:
        return f"/{API_VERSION}/Accounts/{self.carrier.settings.account_sid}/Conferences"

    def _room(self, sid: str) -> Conference:
        if sid not in self.carrier.rooms:
            raise not_found()
        return self.carrier.rooms[sid]

    def _participant(self, sid: str, call: str) -> tuple[Conference, CallLeg]:
        """A participant by its call's sid or by its label, as there."""
        room = self._room(sid)
        for leg, terms in room.legs.items():
            if call in (leg.call.sid, terms.label):
                return room, leg
        raise not_found()
