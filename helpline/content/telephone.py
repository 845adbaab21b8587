"""``telephone.yaml``: how a call is listened to, and what a telephone makes of dangerous words."""

from datetime import timedelta

from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.domain.protocol import TelephoneRules
from helpline.domain.risk import heard_words

_FILE = "telephone.yaml"
_DURATIONS = ("listen", "between_keys", "between_halves", "hold_message", "greeting")
LONGEST_GREETING = timedelta(seconds=59)
"""The carrier listens no longer for a machine."""
_FIELDS = (*_DURATIONS, "options_at_once", "sure_percent", "sounds_like", "spoken_as", "voicemail")
_VOICEMAIL = ("longest", "kept")


def read_telephone(notebook: Notebook, languages: frozenset[str]) -> TelephoneRules:
    """Everything of the file; every duration must be more than 0, every language be written."""
    fields = notebook.fields(notebook.document(_FILE), _FILE, _FIELDS, required=_FIELDS)
    durations = {name: _positive(notebook, fields.get(name), name) for name in _DURATIONS}
    if durations["greeting"] > LONGEST_GREETING:
        notebook.wrong(fields["greeting"].place, "greeting must be 59 seconds or less")
    percent = notebook.whole(fields.get("sure_percent"), 80)
    if not 0 < percent <= 100 and "sure_percent" in fields:
        notebook.wrong(fields["sure_percent"].place, "sure_percent must be between 1 and 100")
    at_once = notebook.whole(fields.get("options_at_once"), 4)
    if not at_once and "options_at_once" in fields:
        notebook.wrong(fields["options_at_once"].place, "options_at_once must be more than 0")
    names = tuple(sorted(languages))
    spoken = notebook.fields(fields.get("spoken_as"), "spoken_as", names, names)
    heard = notebook.fields(fields.get("sounds_like"), "sounds_like", names)
    voicemail = notebook.fields(fields.get("voicemail"), "voicemail", _VOICEMAIL, _VOICEMAIL)
    return TelephoneRules(
        **durations,
        options_at_once=at_once,
        sure=percent / 100,
        sounds_like={language: _sounds(notebook, node) for language, node in heard.items()},
        spoken_as={language: notebook.text(node) for language, node in spoken.items()},
        voicemail_longest=_positive(notebook, voicemail.get("longest"), "longest"),
        voicemail_kept=_positive(notebook, voicemail.get("kept"), "kept"),
    )


def _sounds(notebook: Notebook, node: Node) -> tuple[tuple[str, str], ...]:
    """Pairs of what is heard and what may have been said, the longest first."""
    pairs = []
    for heard, said in notebook.entries(node, "sounds_like").items():
        words = heard_words(heard)
        if not words:
            notebook.wrong(said.place, f"{heard!r} has no word in it")
        pairs.append((words, notebook.text(said)))
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair[0])))


def _positive(notebook: Notebook, node: Node | None, name: str) -> timedelta:
    duration = notebook.seconds(node)
    if node is not None and isinstance(node.value, int) and not duration:
        notebook.wrong(node.place, f"{name} must be longer than 0 seconds")
    return duration
