"""The words of the staff pages in the reader's language (``config/console/*.yaml``)."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from flask import current_app, request, session
from markupsafe import Markup, escape

LANGUAGES = ("en", "es")
"""The first is the one that every key must be in."""


class WordsMissing(Exception):
    """The words of the pages cannot be used; the text says what is wrong and where."""


def load_words(config_dir: Path) -> dict[str, Mapping[str, str]]:
    """The words by language and key.

    Raises:
        WordsMissing: a file cannot be read, or one language lacks what another has.
    """
    found: dict[str, Mapping[str, str]] = {}
    for language in LANGUAGES:
        path = config_dir / "console" / f"{language}.yaml"
        try:
            read = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise WordsMissing(f"{path}: {error}") from error
        found[language] = {str(key): str(value) for key, value in read.items()}
    for language in LANGUAGES[1:]:
        differ = found[LANGUAGES[0]].keys() ^ found[language].keys()
        if differ:
            raise WordsMissing(
                f"config/console: not in every language: {', '.join(sorted(differ))}"
            )
    return found


def language() -> str:
    """The language of this request: chosen, else the browser's, else English."""
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def tell(key: str, **values: object) -> Markup:
    """The words of a key, blanks filled in and escaped.

    Raises:
        KeyError: no language knows the key.
    """
    words = current_app.extensions["words"][language()][key]
    return Markup(words).format(**{name: escape(value) for name, value in values.items()})  # noqa: S704 - ours


def tell_or(key: str, otherwise: str) -> str:
    """The words of a key that may be unknown."""
    known = current_app.extensions["words"][language()]
    return str(known.get(key, otherwise))
