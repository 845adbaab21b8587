"""A copy of the configuration in which a test plants mistakes."""

import shutil
from collections.abc import Iterable
from pathlib import Path

CONFIG = Path(__file__).parent.parent / "config"
_NEEDED = frozenset(
    {"answers", "body", "misreadings", "people", "requests", "substances", "suicide", "words"}
)
"""The lexicon files that the protocol refers to: the others only take time to read."""


def copied(to: Path) -> Path:
    """The files that callers meet, without most of the lexicon."""
    return shutil.copytree(CONFIG, to, ignore=_skipped)


def _skipped(folder: str, names: Iterable[str]) -> set[str]:
    spare = {name for name in names if name.endswith((".py", "__pycache__"))}
    if Path(folder).parent.name == "lexicon":
        spare |= {name for name in names if name.partition(".")[0] not in _NEEDED}
    return spare
