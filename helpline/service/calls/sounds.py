"""What came to an open prompt: keys, words or nothing, and what they mean (PROTOCOL 3.8)."""

from dataclasses import dataclass
from datetime import datetime

from helpline.domain.progress import Progress
from helpline.domain.risk import NOTHING, Assessment, assess_speech
from helpline.domain.said import Said, Unheard, Words
from helpline.runtime import Runtime
from helpline.store.calls import Call

REPEAT = "*"


@dataclass(frozen=True, slots=True)
class Sounds:
    """What the carrier heard; `confidence` is how sure it is of the words (0 to 1)."""

    digits: str | None
    speech: str | None
    confidence: float | None

    def is_told_again(self, known: Call, token: str) -> bool:
        """Was this prompt answered before, or does the caller ask to hear it again?"""
        return token != known.token or REPEAT in (self.digits or "")


def understood(
    rt: Runtime, progress: Progress, sounds: Sounds, now: datetime
) -> tuple[Said, Assessment]:
    """Keys are sure; words are scanned as spoken ones; nothing is nothing."""
    if sounds.digits:
        return Words(sounds.digits, on_call=True), NOTHING
    speech = sounds.speech
    if not speech or not speech.strip():
        return Unheard(), NOTHING
    rules = rt.protocol.telephone
    danger = assess_speech(
        speech,
        rt.protocol.lexicon,
        confidence=sounds.confidence,
        sure=rules.sure,
        sounds_like=rules.sounds_like.get(progress.language, ()),
        recent=progress.recent_parts(now),
        hot=progress.heard_danger(now),
    )
    return Words(speech, on_call=True), danger


def words_of(said: Said) -> str:
    """How it stands in the caller's timeline."""
    return said.body if isinstance(said, Words) else ""
