"""Answering machine detection: who picked up, how long it takes to tell, who is told.

Rules: https://www.twilio.com/docs/voice/answering-machine-detection. `Enable` answers as soon
as a machine is recognised, `DetectMessageEnd` when its greeting is over. Detection that takes
longer than its time-out, or hears nothing at all, answers `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpline.simulator.behaviour import Behaviour

if TYPE_CHECKING:
    from helpline.simulator.call import CallLeg
    from helpline.simulator.carrier import Carrier

RECOGNISED_AFTER = 2.0
"""Seconds after which a voice, a greeting or a whistle is told apart."""
END_OF_SPEECH = 1.2


@dataclass(frozen=True)
class Detection:
    """What was asked for. Durations are simulated seconds.

    With `in_background` the call goes on at once and `callback`, when there is one, is told;
    without it the call waits for the verdict.
    """

    mode: str
    timeout: float = 30.0
    silence: float = 5.0
    in_background: bool = False
    callback: str = ""
    method: str = "POST"


def detect(carrier: Carrier, leg: CallLeg, wanted: Detection) -> None:
    """Find out who answered, now or in the background. Raises what the leg's wait raises."""
    verdict, seconds = judge(leg.phone.behaviour, wanted, carrier.settings.speech_rate)
    if not wanted.in_background:
        leg.wait(seconds)
        leg.call.answered_by = verdict
        return

    def report() -> None:
        with carrier.ledger.changed:
            if leg.call.is_over:
                return
            leg.call.answered_by = verdict
        if wanted.callback:
            fields = {
                "AccountSid": leg.call.account_sid,
                "CallSid": leg.call.sid,
                "AnsweredBy": verdict,
                "MachineDetectionDuration": str(round(seconds * 1000)),
            }
            pairs = list(fields.items())
            carrier.call_back("amd", leg.call.sid, wanted.callback, pairs, wanted.method)

    carrier.schedule.later(carrier.clock.real(seconds), report)


def judge(phone: Behaviour, wanted: Detection, speech_rate: float) -> tuple[str, float]:
    """The verdict, and the seconds after which it is known."""
    verdict, seconds = _heard(phone, wanted, speech_rate)
    verdict = phone.detected or verdict
    return (verdict, seconds) if seconds <= wanted.timeout else ("unknown", wanted.timeout)


def _heard(phone: Behaviour, wanted: Detection, speech_rate: float) -> tuple[str, float]:
    if phone.mode == "doubt":
        return "unknown", wanted.silence
    if phone.mode == "fax":
        return "fax", RECOGNISED_AFTER
    if phone.mode != "voicemail":
        return "human", RECOGNISED_AFTER
    if wanted.mode == "Enable":
        return "machine_start", RECOGNISED_AFTER
    greeting = 1.0 + (len(phone.speaks) / speech_rate if speech_rate else 0.0)
    if phone.beep:
        return "machine_end_beep", max(RECOGNISED_AFTER, greeting)
    return "machine_end_silence", max(RECOGNISED_AFTER, greeting + END_OF_SPEECH)
