"""No caller is told more options in one breath than they can hold (PROTOCOL 3.8)."""

from collections.abc import Iterator, Mapping

from helpline.content.countries import Geography
from helpline.content.notebook import Notebook
from helpline.content.problems import Place
from helpline.content.states import Flow
from helpline.content.translations import offers
from helpline.content.wordings import Messages
from helpline.domain.countries import local_words
from helpline.domain.messages import halves
from helpline.domain.protocol import Message


def check_halves(
    notebook: Notebook, messages: Messages, flow: Flow, geography: Geography, most: int
) -> None:
    """Note every spoken question of which a breath holds more than `most` options."""
    choices = _choices(flow)
    for place, language, message in _wordings(notebook, messages, geography):
        if message.voice is None or message.key not in choices:
            continue
        spoken = halves(message.voice)
        for half in spoken:
            count = sum(offers(half, choice) for choice in choices[message.key])
            if count > most:
                where = "in one half" if len(spoken) > 1 else "and has no halves"
                notebook.wrong(
                    place,
                    f"{message.key} in {language} speaks {count} options {where};"
                    f" at most {most} at once",
                )


def _choices(flow: Flow) -> Mapping[str, set[str]]:
    """What each question takes, in whichever states it is asked."""
    found: dict[str, set[str]] = {}
    for state in flow.states.values():
        for question in state.questions:
            found.setdefault(question.message, set()).update(question.answers)
    return found


def _wordings(
    notebook: Notebook, messages: Messages, geography: Geography
) -> Iterator[tuple[Place, str, Message]]:
    """Every wording with its place, those of single countries too."""
    for language, wordings in messages.items():
        for message in wordings.values():
            yield notebook.place_of(f"message in {language}", message.key), language, message
    for pack in geography.packs.values():
        for language in pack.words:
            for message in local_words(pack, language).messages.values():
                place = notebook.place_of(f"message of {pack.iso} in {language}", message.key)
                yield place, language, message
