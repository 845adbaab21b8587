"""``reconciler.yaml``: how often and how far back the carrier's log is read."""

from helpline.content.notebook import Notebook
from helpline.domain.protocol import ReconcilerRules

_FIELDS = ("every", "overlap", "at_start", "settle", "lost_after")
_FILE = "reconciler.yaml"


def read_reconciler(notebook: Notebook) -> ReconcilerRules:
    """Every duration of the file, in seconds."""
    fields = notebook.fields(notebook.document(_FILE), _FILE, _FIELDS, required=_FIELDS)
    durations = {name: notebook.seconds(fields.get(name)) for name in _FIELDS}
    if "every" in fields and not durations["every"]:
        notebook.wrong(fields["every"].place, "every must be longer than 0 seconds")
    return ReconcilerRules(**durations)
