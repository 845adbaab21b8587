"""What a leg listens for, and what it has heard so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Listening:
    """The ear of a Record: it takes keys, words and mere sounds as they come."""

    digits: bool = True
    speech: bool = True
    keys: str = ""
    spoken: list[tuple[str, float]] = field(default_factory=list)
    """Words with the recogniser's confidence, 0 to 1."""
    sounds: list[str] = field(default_factory=list)
    """Crying, gasping, a television: heard, but without a word in it."""
    reacted: bool = False
    """Whether the phone's script has already answered this prompt."""

    def take_keys(self, keys: str) -> bool:
        if self.digits:
            self.keys += keys
        return self.digits

    def take_words(self, words: str, confidence: float) -> bool:
        if self.speech:
            self.spoken.append((words, confidence))
        return self.speech

    def take_sound(self, sound: str) -> bool:
        if self.speech:
            self.sounds.append(sound)
        return self.speech

    @property
    def words(self) -> str:
        return " ".join(words for words, _ in self.spoken)

    @property
    def amount(self) -> int:
        return len(self.keys) + len(self.spoken) + len(self.sounds)

    def grown(self) -> Callable[[], Any]:
        """A predicate: has anything been added since now?"""
        before = self.amount
        return lambda: self.amount > before


@dataclass
class GatherInput(Listening):
    """The ear of a Gather: whichever of keys and speech comes first is the only one it takes."""

    needed: int = 0
    finish: str = "#"

    def take_keys(self, keys: str) -> bool:
        return not self.spoken and super().take_keys(keys)

    def take_words(self, words: str, confidence: float) -> bool:
        return not self.keys and super().take_words(words, confidence)

    @property
    def touched(self) -> bool:
        """Whether a prompt stops talking: keys and words interrupt it, a mere sound does not."""
        return bool(self.keys or self.spoken)

    @property
    def complete(self) -> bool:
        """Whether the keys are all there; speech is only ever ended by a pause."""
        enough = bool(self.needed) and len(self.keys) >= self.needed
        return enough or (bool(self.finish) and self.finish in self.keys)
