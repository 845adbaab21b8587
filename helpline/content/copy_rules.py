"""The copy rules of PROTOCOL 4.3 and CONTRACT 3: length, promises, banned words, links."""

import re
from collections.abc import Iterator, Mapping

from helpline.content.countries import Geography
from helpline.content.notebook import Notebook
from helpline.content.problems import Place
from helpline.content.states import Flow
from helpline.content.translations import DANGER_ANSWERS, STAFF_FAMILIES, offers
from helpline.content.wordings import FIRST_LANGUAGE, Messages
from helpline.domain.countries import CountryPack, local_words
from helpline.domain.messages import (
    COUNTRY_PLACEHOLDERS,
    LONGEST,
    PLACEHOLDER,
    PLACEHOLDERS,
    country_values,
    gsm7_length,
    localise,
    segments,
)
from helpline.domain.protocol import Message

LONGEST_SMS = 160
LONGEST_UCS2_SEGMENTS = 2
_FIRST_CRISIS_STATES = ("EMERGENCY", "EMERGENCY_OTHER", "CRISIS", "CRISIS_OTHER", "CLARIFY")
_BANNED = re.compile(
    r"\b(?:commit(?:s|ted|ting)? suicide|committed|successful|failed attempt|addicts?|abusers?"
    r"|junkies|clean|dirty|slaves?|cry for help|(?:don't|do not) waste|hurry|discount|free trial"
    r"|guaranteed?|the best|low risk|not at risk|you will be fine|sleep it off and|no-suicide"
    r"|adictos?|drogadictos?|garantizad[oa]s?|bajo riesgo)\b|[!¡]",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(?:(?:we|person|someone|specialist|\{ROLE\}) will (?:call|contact|text|join|ring|reach)"
    r"|will join you|connecting you|(?:person|team)[\w ]* is being (?:alerted|asked)"
    r"|person on our team"
    r"|le (?:llamamos (?:en|a)|comunico con una persona|devolvemos la llamada)"
    r"|(?:va a unirse|se une a la llamada|persona que se una|le paso con una persona)"
    r"|(?:(?:la|una) persona|alguien|un \{ROLE\}) (?:que )?"
    r"(?:entre|le (?:va a )?(?:llam|escrib|contact))"
    r"|avis(?:amos|ando)(?: ahora)? a(?:l equipo| una persona| nuestro equipo))",
    re.IGNORECASE,
)
_NO_PROMISE = re.compile(
    r"no one will call|we will not (?:ring|call)|nadie le va a llamar|no le llamamos", re.IGNORECASE
)
_LINK = re.compile(r"https?:|www\.|\{URL\}", re.IGNORECASE)


def check_copy(notebook: Notebook, messages: Messages, flow: Flow, geography: Geography) -> None:
    """Note every wording that breaks a copy rule."""
    for language, wordings in messages.items():
        for message in wordings.values():
            place = notebook.place_of(f"message in {language}", message.key)
            _check_words(notebook, place, message)
    for pack in geography.packs.values():
        for language in pack.words:
            for message in local_words(pack, language).messages.values():
                where = notebook.place_of(f"message of {pack.iso} in {language}", message.key)
                _check_words(notebook, where, message)
    _check_lengths(notebook, messages, geography)
    _check_promises(notebook, messages[FIRST_LANGUAGE])
    _check_hidden_promises(notebook, messages)
    _check_links(notebook, messages, flow)
    _check_choices(notebook, messages, flow)


def _check_words(notebook: Notebook, place: Place, message: Message) -> None:
    for text in filter(None, (message.sms, message.voice)):
        for name in PLACEHOLDER.findall(text):
            if name not in PLACEHOLDERS:
                known = ", ".join(sorted(PLACEHOLDERS))
                notebook.wrong(place, f"{message.key}: unknown placeholder {name}; known: {known}")
        if PLACEHOLDER.sub("", text).count("{") or PLACEHOLDER.sub("", text).count("}"):
            notebook.wrong(place, f"{message.key}: a brace that is no placeholder")
        banned = _BANNED.search(text)
        if banned:
            notebook.wrong(place, f"{message.key}: {banned[0]!r} may not be said (PROTOCOL 4.3)")


def _check_lengths(notebook: Notebook, messages: Messages, geography: Geography) -> None:
    for language, wordings in messages.items():
        for key, message in wordings.items():
            common = notebook.place_of(f"message in {language}", key)
            worst: dict[tuple[Place, int], list[str]] = {}
            for pack in geography.packs.values():
                own = local_words(pack, language).messages.get(key)
                place = common
                text = message.sms
                if own is not None and own.sms is not None:
                    place = notebook.place_of(f"message of {pack.iso} in {language}", key)
                    text = own.sms
                length = _too_long(text, language, pack) if text else None
                if length:
                    worst.setdefault((place, length), []).append(pack.iso)
            for (place, length), packs in worst.items():
                listed = ", ".join(packs)
                notebook.wrong(place, f"{key} in {language} can be {length} characters in {listed}")


def _too_long(text: str, language: str, pack: CountryPack) -> int | None:
    """How long the text gets with the longest values, None when it fits."""
    values = {**LONGEST, **country_values(pack, language)}
    local = localise(text, language, pack)
    longest = PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), local)
    septets = gsm7_length(longest)
    if septets is not None:
        return septets if septets > LONGEST_SMS else None
    if language == FIRST_LANGUAGE or segments(longest) > LONGEST_UCS2_SEGMENTS:
        return len(longest)
    return None


def _check_promises(notebook: Notebook, messages: Mapping[str, Message]) -> None:
    for key, message in messages.items():
        place = notebook.place_of("message", key)
        if message.promises_person:
            _check_off_duty(notebook, place, message, messages)
        elif message.off_duty is not None:
            notebook.wrong(place, f"{key} has an off_duty wording but promises nobody")


def _check_hidden_promises(notebook: Notebook, messages: Messages) -> None:
    """What promises nobody must not sound as if it did, in any language."""
    for language, wordings in messages.items():
        for key, message in wordings.items():
            if message.promises_person or key.startswith(STAFF_FAMILIES):
                continue
            for text in filter(None, (message.sms, message.voice)):
                found = _PROMISE.search(_NO_PROMISE.sub("", text))
                if found:
                    place = notebook.place_of(f"message in {language}", key)
                    notebook.wrong(
                        place, f"{key}: {found[0]!r} promises a person; say promises_person: true"
                    )


def _check_off_duty(
    notebook: Notebook, place: Place, message: Message, messages: Mapping[str, Message]
) -> None:
    key = message.key
    if message.off_duty is None:
        notebook.wrong(place, f"{key} promises a person and has no off_duty wording")
        return
    other = messages.get(message.off_duty)
    if other is None:
        return
    if other.promises_person:
        notebook.wrong(place, f"{key}: its off_duty wording {other.key} promises a person itself")
    for channel, mine, theirs in (
        ("sms", message.sms, other.sms),
        ("voice", message.voice, other.voice),
    ):
        if mine is not None and theirs is None:
            notebook.wrong(place, f"{key}: its off_duty wording {other.key} has no {channel}")
    needed = _needed(other) - _needed(message)
    if needed:
        listed = ", ".join(sorted(needed))
        notebook.wrong(place, f"{key}: its off_duty wording {other.key} also needs {listed}")


def _needed(message: Message) -> set[str]:
    found = PLACEHOLDER.findall(f"{message.sms or ''} {message.voice or ''}")
    return set(found) - COUNTRY_PLACEHOLDERS - {"ORG", "NAME", "URL"}


def _check_links(notebook: Notebook, messages: Messages, flow: Flow) -> None:
    for key in sorted(_first_crisis_texts(messages[FIRST_LANGUAGE], flow)):
        for language, wordings in messages.items():
            message = wordings.get(key)
            if message is not None and message.sms and _LINK.search(message.sms):
                place = notebook.place_of(f"message in {language}", key)
                notebook.wrong(place, f"{key}: no link in a first crisis text (PROTOCOL 4.3)")


def _first_crisis_texts(messages: Mapping[str, Message], flow: Flow) -> set[str]:
    keys = set(DANGER_ANSWERS)
    for name in _FIRST_CRISIS_STATES:
        state = flow.states.get(name)
        if state is not None:
            keys.update(send.message for send in state.says)
            keys.update(question.message for question in state.questions)
    return keys | {m.off_duty for key in keys if (m := messages.get(key)) and m.off_duty}


def _check_choices(notebook: Notebook, messages: Messages, flow: Flow) -> None:
    """Every choice that a question takes is offered in its words."""
    for key, choice in sorted(set(_choices(flow))):
        for language, wordings in messages.items():
            message = wordings.get(key)
            if message is None or not message.sms:
                continue
            if not offers(message.sms, choice):
                place = notebook.place_of(f"message in {language}", key)
                notebook.wrong(place, f"{key} in {language} does not offer choice {choice}")


def _choices(flow: Flow) -> Iterator[tuple[str, str]]:
    for state in flow.states.values():
        for question in state.questions:
            for choice in question.answers:
                yield question.message, choice
