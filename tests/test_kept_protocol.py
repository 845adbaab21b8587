"""The kept protocol is the one that would be read, and a file that is not ours is never opened."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from helpline.content import ContentError, load_kept, loading, ready
from helpline.domain.conditions import ALWAYS
from helpline.domain.protocol import Protocol
from helpline.domain.risk import assess
from tests.configuration import CONFIG, copied
from tests.domain.test_risk import DANGER, QUIET
from tests.phone import protocol

KEY = "a key of the line"
TEXTS = [*DANGER, *QUIET, "killmyself", "i w a n t to d i e", "iwanttokillmyself", "k1ll mys3lf"]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Each time the configuration itself is read."""
    seen: list[Path] = []
    load = loading.load_protocol

    def noted(config_dir: Path) -> Protocol:
        seen.append(config_dir)
        return load(config_dir)

    monkeypatch.setattr(ready, "load_protocol", noted)
    return seen


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Protocol]:
    config = copied(tmp_path / "config")

    def load(key: str = KEY) -> Protocol:
        return load_kept(config, tmp_path / "var/protocol.kept", key)

    return load


def test_what_is_kept_says_what_was_read(tmp_path: Path, reads: list[Path]) -> None:
    load_kept(CONFIG, tmp_path / "kept", KEY)
    kept = load_kept(CONFIG, tmp_path / "kept", KEY)
    assert reads == [CONFIG]
    assert kept.hash == protocol().hash
    for name in ("states", "rules", "messages", "countries", "answer_words", "other_languages"):
        assert getattr(kept, name) == getattr(protocol(), name)
    for text in TEXTS:
        assert assess(text, kept.lexicon) == assess(text, protocol().lexicon), text
    branches = [branch for state in kept.states.values() for branch in state.then]
    assert any(branch.when is ALWAYS for branch in branches)
    assert len(kept.lexicon.rules) == len(protocol().lexicon.rules)


def test_words_that_the_scan_learned_are_not_kept() -> None:
    assess("flurblewort", protocol().lexicon)
    assert "flurblewort" in protocol().lexicon.chunks
    assert b"flurblewort" not in pickle.dumps(protocol())


def test_the_file_is_for_the_line_alone(load: Callable[..., Protocol], tmp_path: Path) -> None:
    load()
    (kept,) = (tmp_path / "var").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("at", [0, 40, -1])
def test_a_file_that_somebody_changed_is_made_anew(
    load: Callable[..., Protocol], tmp_path: Path, reads: list[Path], at: int
) -> None:
    load()
    content = bytearray((tmp_path / "var/protocol.kept").read_bytes())
    content[at] ^= 1
    (tmp_path / "var/protocol.kept").write_bytes(content)
    load()
    load()
    assert len(reads) == 2


class Evil:
    """Pickled, it would make a file when it is opened."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.proof,)


@pytest.mark.parametrize("cut", [0, 10, 32, 5000])
def test_a_file_that_is_not_ours_is_never_opened(
    load: Callable[..., Protocol], tmp_path: Path, reads: list[Path], cut: int
) -> None:
    load("the key of another line")
    kept = tmp_path / "var/protocol.kept"
    kept.write_bytes(kept.read_bytes()[:cut] + pickle.dumps(Evil(tmp_path / "proof")))
    load()
    assert len(reads) == 2
    assert not (tmp_path / "proof").exists()


def test_another_key_does_not_open_it(load: Callable[..., Protocol], reads: list[Path]) -> None:
    load()
    load("another key")
    assert len(reads) == 2


def test_whoever_edits_the_configuration_is_heard(
    load: Callable[..., Protocol], tmp_path: Path, reads: list[Path]
) -> None:
    load()
    rules = tmp_path / "config/protocol/rules.yaml"
    rules.write_text(rules.read_text() + "\n# a remark\n")
    load()
    assert len(reads) == 2
    rules.write_text(rules.read_text() + "- nonsense\n")
    with pytest.raises(ContentError):
        load()


def test_an_edit_while_it_is_read_is_not_kept(
    load: Callable[..., Protocol], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = iter([b"before", b"after"])
    monkeypatch.setattr(ready, "_fingerprint", lambda _: next(marks))
    load()
    assert not (tmp_path / "var").exists()


def test_other_code_or_libraries_read_it_anew(
    load: Callable[..., Protocol], reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    monkeypatch.setattr(ready, "version", lambda name: f"a newer {name}")
    load()
    assert len(reads) == 2
    monkeypatch.setattr(ready, "_CODE", ("content",))
    load()
    assert len(reads) == 3


def test_a_folder_that_cannot_be_written_costs_time_only(
    load: Callable[..., Protocol], tmp_path: Path, reads: list[Path]
) -> None:
    (tmp_path / "var").write_text("not a folder")
    assert load().hash == load().hash
    assert len(reads) == 2
