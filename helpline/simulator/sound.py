"""Small sounds made of nothing: what a stored recording plays.

The WAV file hums one short tone for each word, so that a listener can tell a long message from a
short one. The MP3 file has the right length and is silent: no encoder is at hand.
"""

from __future__ import annotations

import io
import math
import wave

RATE = 8000
TONES = (392, 440, 494, 523, 587)
_WORD, _GAP = 0.18, 0.07
_SILENT_FRAME = b"\xff\xf3\x10\xc4" + bytes(22)
"""MPEG-2 layer III, 8 kbit/s, 22,050 Hz, mono: 576 samples of nothing."""
_FRAMES_A_SECOND = 22_050 / 576
MOST_SECONDS = 120


def wav(words: str, seconds: float) -> bytes:
    """One tone a word, then silence up to `seconds`; at most two minutes."""
    samples = bytearray()
    for number, word in enumerate(words.split()):
        samples += _tone(TONES[(len(word) + number) % len(TONES)], _WORD) + _silence(_GAP)
    missing = min(seconds, MOST_SECONDS) - len(samples) / RATE
    samples += _silence(max(0.1, missing))
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes(bytes(samples[: RATE * MOST_SECONDS]))
    return target.getvalue()


def mp3(seconds: float) -> bytes:
    """Silence of this length, at least one frame."""
    return _SILENT_FRAME * max(1, round(min(seconds, MOST_SECONDS) * _FRAMES_A_SECOND))


def _tone(pitch: int, seconds: float) -> bytes:
    count = int(RATE * seconds)
    return bytes(
        128 + int(60 * math.sin(2 * math.pi * pitch * n / RATE) * math.sin(math.pi * n / count))
        for n in range(count)
    )


def _silence(seconds: float) -> bytes:
    return b"\x80" * int(RATE * seconds)
