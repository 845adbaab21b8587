"""The danger scan: pure, fast, and fed by words that clinicians own."""

from helpline.domain.risk.compiling import MENU_ANSWERS, compile_lexicon
from helpline.domain.risk.lexicon import Lexicon
from helpline.domain.risk.model import (
    NOTHING,
    Assessment,
    Entry,
    Level,
    LexiconError,
    Problem,
    Signal,
    Slot,
    Template,
)
from helpline.domain.risk.reading import answer_words, parse_entries
from helpline.domain.risk.scan import assess
from helpline.domain.risk.speech import assess_speech, heard_words

__all__ = [
    "MENU_ANSWERS",
    "NOTHING",
    "Assessment",
    "Entry",
    "Level",
    "Lexicon",
    "LexiconError",
    "Problem",
    "Signal",
    "Slot",
    "Template",
    "answer_words",
    "assess",
    "assess_speech",
    "compile_lexicon",
    "heard_words",
    "parse_entries",
]
