"""``config/`` becomes one `Protocol`, or every mistake at once."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from helpline.content.copy_rules import check_copy
from helpline.content.countries import Geography, read_countries
from helpline.content.facilities import read_facilities
from helpline.content.garbage import all_of_it_stays
from helpline.content.graph import check_graph
from helpline.content.halves import check_halves
from helpline.content.menus import check_menus
from helpline.content.notebook import Notebook
from helpline.content.outbound import read_outbound
from helpline.content.policies import read_callbacks, read_escalation
from helpline.content.problems import ContentError
from helpline.content.reconciler import read_reconciler
from helpline.content.references import check_references
from helpline.content.scorer import read_scorer
from helpline.content.states import read_flow
from helpline.content.summary import ContentSummary
from helpline.content.telephone import read_telephone
from helpline.content.translations import check_translations, list_missing
from helpline.content.wordings import read_messages
from helpline.content.words import (
    Vocabulary,
    read_carrier_words,
    read_other_languages,
    read_vocabulary,
)
from helpline.domain.countries import list_unverified
from helpline.domain.protocol import Protocol


@dataclass(frozen=True, slots=True)
class _Loaded:
    protocol: Protocol
    geography: Geography
    vocabulary: Vocabulary


def load_protocol(config_dir: Path) -> Protocol:
    """Read and check the whole configuration.

    Raises:
        ContentError: with every mistake of every file.
    """
    return _load(config_dir).protocol


def summarise(config_dir: Path, today: date) -> ContentSummary:
    """Count what a configuration contains; `today` decides which numbers are stale.

    Raises:
        ContentError: with every mistake of every file.
    """
    loaded = _load(config_dir)
    protocol = loaded.protocol
    return ContentSummary(
        states=len(protocol.states),
        rules=len(protocol.rules),
        flags=len(protocol.flags),
        messages={language: len(messages) for language, messages in protocol.messages.items()},
        drafts={
            language: tuple(key for key, message in messages.items() if message.draft)
            for language, messages in protocol.messages.items()
        },
        missing={
            language: list_missing(protocol.messages, language) for language in protocol.messages
        },
        offered=protocol.offered,
        countries=tuple(iso for iso in protocol.countries if iso != protocol.fallback_country),
        fallback=protocol.fallback_country,
        lexicon_rows=loaded.vocabulary.rows,
        hash=protocol.hash,
        warnings=tuple(list_unverified(protocol, today, loaded.geography.stale_after)),
    )


@all_of_it_stays()
def _load(config_dir: Path) -> _Loaded:
    notebook = Notebook(config_dir)
    messages = read_messages(notebook)
    geography = read_countries(notebook)
    flow = read_flow(notebook)
    callbacks = read_callbacks(notebook)
    escalation = read_escalation(notebook)
    reconciler = read_reconciler(notebook)
    outbound = read_outbound(notebook)
    telephone = read_telephone(notebook, frozenset(messages))
    facilities = read_facilities(notebook, geography.packs)
    carrier_words = read_carrier_words(notebook)
    other_languages = read_other_languages(notebook)
    vocabulary = read_vocabulary(notebook, messages)
    check_references(notebook, flow, vocabulary, geography.packs)
    check_graph(notebook, flow)
    check_copy(notebook, messages, flow, geography)
    check_halves(notebook, messages, flow, geography, telephone.options_at_once)
    check_translations(notebook, messages, flow, geography)
    lexicon = replace(vocabulary.lexicon, scorer=read_scorer(notebook))
    check_menus(notebook, flow, lexicon)
    if notebook.problems:
        raise ContentError(tuple(sorted(notebook.problems)))
    protocol = Protocol(
        states=flow.states,
        rules=flow.rules,
        flags=flow.flags,
        notices=flow.notices,
        plus_one=flow.plus_one,
        silence=flow.silence,
        messages=messages,
        offered=geography.offered,
        countries=geography.packs,
        fallback_country=geography.fallback,
        carrier_words=carrier_words,
        answer_words=vocabulary.answer_words,
        other_languages=other_languages,
        lexicon=lexicon,
        callbacks=callbacks,
        escalation=escalation,
        reconciler=reconciler,
        outbound=outbound,
        telephone=telephone,
        facilities=facilities,
        hash=_hash(notebook.documents),
    )
    return _Loaded(protocol, geography, vocabulary)


def _hash(documents: Mapping[str, object]) -> str:
    """The same for the same content, whatever its comments and layout."""
    canonical = json.dumps(documents, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
