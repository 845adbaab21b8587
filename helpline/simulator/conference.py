"""Rooms in which legs hear each other: named conferences and the private room of a dialled number.

Rules: https://www.twilio.com/docs/voice/twiml/conference. The conference starts when two legs
are in it and one of them may start it. The status callback is the one given by the leg that
created the conference; later ones are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from helpline.simulator.clock import rfc2822
from helpline.simulator.records import API_VERSION, new_sid
from helpline.simulator.twiml import Verb

if TYPE_CHECKING:
    from helpline.simulator.call import CallLeg
    from helpline.simulator.carrier import Carrier
    from helpline.simulator.recordings import Recording

EVENT_NAMES = {
    # What an application subscribes to, and what it is told then.
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-mute": "mute",
    "participant-unmute": "mute",
    "participant-hold": "hold",
    "participant-unhold": "hold",
    "participant-modify": "modify",
    "participant-speech-start": "speaker",
    "participant-speech-stop": "speaker",
}
UNNAMED = Verb("Conference")


@dataclass(frozen=True)
class Terms:
    """On what terms a leg is in a room."""

    starts: bool = True
    ends: bool = False
    muted: bool = False
    beep: str = "true"
    label: str = ""
    hold: bool = False

    @classmethod
    def of(cls, noun: Verb) -> Terms:
        return cls(
            noun.flag("startConferenceOnEnter", True),
            noun.flag("endConferenceOnExit", False),
            noun.flag("muted", False),
            noun.get("beep", "true"),
            noun.get("participantLabel"),
        )


class Conference:
    """One room from its first leg to its last. Every method expects the ledger's lock."""

    def __init__(self, carrier: Carrier, noun: Verb, base_url: str) -> None:
        self.carrier = carrier
        self.name = noun.text
        self.sid = new_sid("CF")
        self.created_at: datetime = carrier.clock.now()
        self.legs: dict[CallLeg, Terms] = {}
        self.started = False
        self.ended = False
        self.capacity = int(noun.number("maxParticipants", 250))
        self.said: list[str] = []
        """Everything that was said to more than one's own ear."""
        self._noun, self._base_url = noun, base_url
        self._sequence = 0
        self._recording: Recording | None = None

    @property
    def is_private(self) -> bool:
        return not self.name

    def join(self, leg: CallLeg, terms: Terms) -> None:
        self.legs[leg] = terms
        leg.room = self
        self.carrier.ledger.record(
            "conference.join", conference=self.name, sid=self.sid, call=leg.call.sid
        )
        for other in self._others(leg):
            if not self.is_private and terms.beep in ("true", "onEnter"):
                other.hear("beep", "someone joined")
            other.note("with", f"{leg.party} joined")
        others = ", ".join(other.party for other in self._others(leg)) or "nobody yet"
        leg.note("with", f"joined {self.name or 'the other party'} with {others}")
        self._announce("participant-join", leg, terms)
        if not self.started and len(self.legs) > 1 and any(t.starts for t in self.legs.values()):
            self._start(leg, terms)
        self.carrier.ledger.changed.notify_all()

    def leave(self, leg: CallLeg, reason: str) -> None:
        """Take a leg out; ends the conference when its terms say so or nobody is left."""
        terms = self.legs.pop(leg, None)
        if terms is None:
            return
        leg.room = None
        self.carrier.ledger.record(
            "conference.leave", conference=self.name, sid=self.sid, call=leg.call.sid
        )
        leg.note("with", f"left {self.name or 'the other party'}")
        for other in list(self.legs):
            if not self.is_private and terms.beep in ("true", "onExit"):
                other.hear("beep", "someone left")
            other.note("with", f"{leg.party} left")
        self._announce(
            "participant-leave",
            leg,
            terms,
            ParticipantCallStatus=leg.call.status,
            ReasonParticipantLeft=reason,
        )
        if terms.ends or not self.legs:
            self._end(leg, terms)
        self.carrier.ledger.changed.notify_all()

    def relay(self, speaker: CallLeg, words: str) -> bool:
        """Let the others hear what one says; False when nobody could."""
        terms = self.legs[speaker]
        if not self.started or terms.muted or terms.hold:
            return False
        self._announce("participant-speech-start", speaker, terms)
        listeners = [other for other in self._others(speaker) if not self.legs[other].hold]
        for other in listeners:
            other.hear("speech", words, who=speaker.party)
        self.said.append(words)
        self._announce("participant-speech-stop", speaker, terms)
        return bool(listeners)

    def change(self, leg: CallLeg, **changes: Any) -> None:
        """Mute, hold, or give a participant other terms; tells what has really changed."""
        before = self.legs[leg]
        after = self.legs[leg] = replace(before, **changes)
        if after.muted != before.muted:
            self._announce("participant-mute" if after.muted else "participant-unmute", leg, after)
            leg.note("with", "muted" if after.muted else "no longer muted")
        if after.hold != before.hold:
            self._announce("participant-hold" if after.hold else "participant-unhold", leg, after)
            leg.note("with", "on hold" if after.hold else "no longer on hold")
        if after.ends != before.ends:
            self._announce("participant-modify", leg, after)
        self.carrier.ledger.changed.notify_all()

    def close(self) -> None:
        """The account ends the conference; its legs go on behind their Dial."""
        for leg, terms in list(self.legs.items()):
            self._end(leg, terms, "conference-ended-via-api")
        self.carrier.ledger.changed.notify_all()

    def participant_json(self, leg: CallLeg) -> dict[str, Any]:
        """https://www.twilio.com/docs/voice/api/conference-participant-resource"""
        terms = self.legs[leg]
        path = f"{self._path}/Participants/{leg.call.sid}.json"
        return {
            "account_sid": self.carrier.settings.account_sid,
            "call_sid": leg.call.sid,
            "label": terms.label or None,
            "conference_sid": self.sid,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.created_at),
            "end_conference_on_exit": terms.ends,
            "start_conference_on_enter": terms.starts,
            "muted": terms.muted,
            "hold": terms.hold,
            "coaching": False,
            "call_sid_to_coach": None,
            "queue_time": str(leg.call.queue_time),
            "status": "connected",
            "uri": path,
        }

    def as_json(self) -> dict[str, Any]:
        """https://www.twilio.com/docs/voice/api/conference-resource"""
        status = "completed" if self.ended else "in-progress" if self.started else "init"
        return {
            "account_sid": self.carrier.settings.account_sid,
            "api_version": API_VERSION,
            "call_sid_ending_conference": None,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.created_at),
            "friendly_name": self.name,
            "reason_conference_ended": None,
            "region": "us1",
            "sid": self.sid,
            "status": status,
            "subresource_uris": {"participants": f"{self._path}/Participants.json"},
            "uri": f"{self._path}.json",
        }

    @property
    def _path(self) -> str:
        return f"/{API_VERSION}/Accounts/{self.carrier.settings.account_sid}/Conferences/{self.sid}"

    def _start(self, leg: CallLeg, terms: Terms) -> None:
        self.started = True
        self._announce("conference-start", leg, terms)
        if self._noun.get("record") == "record-from-start":
            book = self.carrier.recordings
            self._recording = book.begin(
                leg.call, "Conference", self._noun, self._base_url, self.sid
            )

    def _end(self, leg: CallLeg, terms: Terms, why: str = "") -> None:
        if self.ended:
            return
        self.ended = True
        if self._recording:
            lasted = self.carrier.clock.now() - self._recording.started_at
            seconds = self.carrier.clock.simulated(lasted.total_seconds())
            words = " ".join(self.said) or "(silence)"
            self.carrier.recordings.finish(
                self._recording, words, seconds, self._noun, self._base_url
            )
        self.carrier.forget_conference(self)
        for other, other_terms in list(self.legs.items()):
            del self.legs[other]
            other.room = None
            other.note("with", f"{self.name or 'the other party'} ended")
            fields = {
                "ParticipantCallStatus": other.call.status,
                "ReasonParticipantLeft": "conference_ended",
            }
            self._announce("participant-leave", other, other_terms, **fields)
        why = why or (
            "participant-with-end-conference-on-exit-left"
            if terms.ends
            else "last-participant-left"
        )
        self._announce(
            "conference-end",
            leg,
            terms,
            ReasonConferenceEnded=why,
            CallSidEndingConference=leg.call.sid,
        )

    def _others(self, leg: CallLeg) -> list[CallLeg]:
        return [other for other in self.legs if other is not leg]

    def _announce(self, event: str, leg: CallLeg, terms: Terms, **more: str) -> None:
        if self.is_private:
            return
        self.carrier.ledger.record(
            "conference.event", event=event, conference=self.name, sid=self.sid
        )
        url = self.carrier.absolute(self._base_url, self._noun.get("statusCallback"))
        if not url or EVENT_NAMES[event] not in self._noun.get("statusCallbackEvent").split():
            return
        self._sequence += 1
        fields = {
            "AccountSid": self.carrier.settings.account_sid,
            "CallSid": leg.call.sid,
            "Coaching": "false",
            "ConferenceSid": self.sid,
            "EndConferenceOnExit": str(terms.ends).lower(),
            "FriendlyName": self.name,
            "Hold": str(terms.hold).lower(),
            "Muted": str(terms.muted).lower(),
            "SequenceNumber": str(self._sequence),
            "StartConferenceOnEnter": str(terms.starts).lower(),
            "StatusCallbackEvent": event,
            "Timestamp": rfc2822(self.carrier.clock.now()) or "",
            **({"ParticipantLabel": terms.label} if terms.label else {}),
            **more,
        }
        method = self._noun.get("statusCallbackMethod", "POST")
        self.carrier.call_back("conference", self.sid, url, list(fields.items()), method)
