"""The account's recordings: kept, told about, listened to and deleted.

Rules: https://www.twilio.com/docs/voice/api/recording and
https://www.twilio.com/docs/voice/twiml/record. Both status callback and transcription callback
travel as webhooks of their own, after the call has gone on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from helpline.simulator import sound
from helpline.simulator.clock import rfc2822
from helpline.simulator.records import API_VERSION, Call, new_sid
from helpline.simulator.twiml import Verb

if TYPE_CHECKING:
    from helpline.simulator.carrier import Carrier

SHORTEST_TRANSCRIBED, LONGEST_TRANSCRIBED = 2, 120
"""Seconds between which a recording is transcribed at all."""


@dataclass
class Recording:
    """What was said into a telephone. `words` stand for the sound."""

    sid: str
    account_sid: str
    call_sid: str
    source: str
    started_at: datetime
    api_base_url: str
    conference_sid: str | None = None
    seconds: int = 0
    words: str = ""
    status: str = "in-progress"
    deleted_at: datetime | None = None

    @property
    def path(self) -> str:
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Recordings/{self.sid}"

    @property
    def url(self) -> str:
        return self.api_base_url + self.path

    def media(self, form: str) -> tuple[bytes, str]:
        """The sound and its content type; `form` is `mp3` or `wav`."""
        if form == "mp3":
            return sound.mp3(self.seconds), "audio/mpeg"
        return sound.wav(self.words, self.seconds), "audio/x-wav"

    def as_form(self) -> dict[str, str]:
        """What a recording status callback carries."""
        fields = {
            "AccountSid": self.account_sid,
            "CallSid": self.call_sid,
            "RecordingChannels": "1",
            "RecordingSid": self.sid,
            "RecordingSource": self.source,
            "RecordingStartTime": rfc2822(self.started_at) or "",
            "RecordingStatus": self.status,
            "RecordingUrl": self.url,
        }
        if self.conference_sid:
            fields["ConferenceSid"] = self.conference_sid
        if self.status != "in-progress":
            fields |= {"ErrorCode": "0", "RecordingDuration": str(self.seconds)}
        return fields

    def as_action(self) -> dict[str, str]:
        """What the action of a Record or a Dial is told."""
        return {
            "RecordingUrl": self.url,
            "RecordingSid": self.sid,
            "RecordingDuration": str(self.seconds),
        }

    def as_json(self) -> dict[str, Any]:
        """https://www.twilio.com/docs/voice/api/recording#recording-properties"""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid": self.call_sid,
            "conference_sid": self.conference_sid,
            "channels": 1,
            "date_created": rfc2822(self.started_at),
            "date_updated": rfc2822(self.started_at),
            "start_time": rfc2822(self.started_at),
            "duration": str(self.seconds) if self.status == "completed" else None,
            "encryption_details": None,
            "error_code": None,
            "media_url": self.url,
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "source": self.source,
            "status": self.status,
            "subresource_uris": {"transcriptions": f"{self.path}/Transcriptions.json"},
            "uri": f"{self.path}.json",
        }


class RecordingBook:
    """All recordings of the account, and who is told about them."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._recordings: dict[str, Recording] = {}

    def begin(
        self, call: Call, source: str, noun: Verb, base_url: str, conference_sid: str | None = None
    ) -> Recording:
        """Start one; `noun` carries the `recordingStatusCallback…` attributes."""
        carrier = self._carrier
        recording = Recording(
            new_sid("RE"),
            call.account_sid,
            call.sid,
            source,
            carrier.clock.now(),
            carrier.api_base_url,
            conference_sid,
        )
        with carrier.ledger.changed:
            self._recordings[recording.sid] = recording
            carrier.ledger.record("recording.begun", recording=recording.sid, call=call.sid)
        self._tell(recording, noun, base_url)
        return recording

    def finish(
        self, recording: Recording, words: str, seconds: float, noun: Verb, base_url: str
    ) -> None:
        """Keep what was said; a recording of nothing becomes `absent`."""
        with self._carrier.ledger.changed:
            recording.words, recording.seconds = words, max(1, round(seconds)) if words else 0
            recording.status = "completed" if words else "absent"
            detail = {"status": recording.status, "seconds": recording.seconds}
            self._carrier.ledger.record("recording.ended", recording=recording.sid, **detail)
        self._tell(recording, noun, base_url)

    def transcribe(self, recording: Recording, call: Call, words: str, url: str) -> None:
        """Tell `url` what was said, or that nobody could tell."""
        text = words if SHORTEST_TRANSCRIBED <= recording.seconds <= LONGEST_TRANSCRIBED else ""
        sid = new_sid("TR")
        fields = {
            "AccountSid": call.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": call.sid,
            "CallStatus": call.status,
            "Called": call.to,
            "Caller": call.from_,
            "Direction": call.direction,
            "From": call.from_,
            "RecordingSid": recording.sid,
            "RecordingUrl": recording.url,
            "To": call.to,
            "TranscriptionSid": sid,
            "TranscriptionStatus": "completed" if text else "failed",
            "TranscriptionText": text,
            "TranscriptionType": "fast",
            "TranscriptionUrl": f"{recording.url}/Transcriptions/{sid}",
            "url": url,
        }
        self._carrier.call_back("transcription", call.sid, url, list(fields.items()))

    def find(self, sid: str) -> Recording | None:
        """A recording that exists and was not deleted."""
        with self._carrier.ledger.changed:
            found = self._recordings.get(sid)
            return None if found is None or found.deleted_at else found

    def delete(self, recording: Recording) -> None:
        """The sound and its words are gone; that there was one is remembered."""
        with self._carrier.ledger.changed:
            recording.deleted_at, recording.words = self._carrier.clock.now(), ""
            recording.status = "deleted"
            self._carrier.ledger.record("recording.deleted", recording=recording.sid)

    def list_deleted(self) -> list[str]:
        """The sids that the application has had deleted, oldest first."""
        with self._carrier.ledger.changed:
            gone = [one for one in self._recordings.values() if one.deleted_at]
            return [
                one.sid for one in sorted(gone, key=lambda one: one.deleted_at or one.started_at)
            ]

    def list_kept(self) -> list[Recording]:
        """Completed recordings, newest first."""
        with self._carrier.ledger.changed:
            kept: Iterable[Recording] = reversed(self._recordings.values())
            return [one for one in kept if one.status == "completed"]

    def forget(self) -> None:
        with self._carrier.ledger.changed:
            self._recordings.clear()

    def _tell(self, recording: Recording, noun: Verb, base_url: str) -> None:
        url = self._carrier.absolute(base_url, noun.get("recordingStatusCallback"))
        wanted = noun.get("recordingStatusCallbackEvent", "completed").split()
        if url and recording.status in wanted:
            method = noun.get("recordingStatusCallbackMethod", "POST")
            fields = list(recording.as_form().items())
            self._carrier.call_back("recording", recording.call_sid, url, fields, method)
