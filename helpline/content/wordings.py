"""``messages/<language>.yaml``: every sentence that a caller or a specialist reads or hears."""

from collections.abc import Mapping
from dataclasses import replace

from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.domain.messages import HALF
from helpline.domain.protocol import Message

_FIELDS = ("sms", "voice", "purpose", "promises_person", "off_duty", "draft")
FIRST_LANGUAGE = "en"
HALVES = 2

Messages = Mapping[str, Mapping[str, Message]]


def read_messages(notebook: Notebook) -> dict[str, dict[str, Message]]:
    """All languages; purpose, promise and off-duty wording are those of English."""
    folder = notebook.root / "messages"
    languages = sorted({path.stem for path in folder.glob("*.yaml")} | {FIRST_LANGUAGE})
    messages = {language: _read_language(notebook, language) for language in languages}
    first = messages[FIRST_LANGUAGE]
    for language in languages:
        notebook.places.setdefault(
            ("language", language), notebook.start_of(f"messages/{language}.yaml")
        )
        if language != FIRST_LANGUAGE:
            messages[language] = {
                key: _inherit(message, first.get(key))
                for key, message in messages[language].items()
            }
    return messages


def _read_language(notebook: Notebook, language: str) -> dict[str, Message]:
    document = notebook.document(f"messages/{language}.yaml")
    messages = {}
    for key, node in notebook.entries(document, "messages").items():
        notebook.define(f"message in {language}", key, node.place)
        if language == FIRST_LANGUAGE:
            notebook.define("message", key, node.place)
        else:
            notebook.mention("message", node, key)
        messages[key] = read_message(notebook, key, node)
    return messages


def read_message(notebook: Notebook, key: str, node: Node) -> Message:
    """One entry."""
    fields = notebook.fields(node, f"message {key}", _FIELDS)
    message = Message(
        key=key,
        sms=notebook.optional_text(fields.get("sms")),
        voice=_voice(notebook, key, fields.get("voice")),
        purpose=notebook.text(fields.get("purpose")),
        promises_person=notebook.truth(fields.get("promises_person")),
        off_duty=notebook.mention("message", fields["off_duty"]) if "off_duty" in fields else None,
        draft=notebook.truth(fields.get("draft")),
    )
    if not message.sms and not message.voice:
        notebook.wrong(node.place, f"message {key} has neither sms nor voice")
    return message


def _voice(notebook: Notebook, key: str, node: Node | None) -> str | None:
    """One text, or a list of two: the halves of a question with many options."""
    if node is None or not isinstance(node.value, tuple):
        return notebook.optional_text(node)
    parts = notebook.words(node, f"voice of {key}")
    if len(parts) != HALVES or not all(part.strip() for part in parts):
        notebook.wrong(node.place, f"voice of {key}: a text, or a list of its two halves")
    return HALF.join(parts)


def _inherit(message: Message, first: Message | None) -> Message:
    if first is None:
        return message
    return replace(
        message,
        purpose=message.purpose or first.purpose,
        promises_person=first.promises_person,
        off_duty=first.off_duty,
    )
