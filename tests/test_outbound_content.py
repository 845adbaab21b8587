"""``outbound.yaml``: a mistake stops the start, with its line."""

from pathlib import Path

import pytest

from helpline.content import ContentError, load_protocol
from tests.configuration import CONFIG, copied


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("calls:\n  account: {per_second: 1, burst: 1}", "calls:\n  account: {burst: 1}",
         "per_second is missing"),
        ("number: {per_second: 1,", "number: {per_second: 0,", "per_second must be more than 0"),
        ("number: {per_second: 1,", "number: {per_secnd: 1,", "did you mean per_second"),
        ("pauses: [1, 2, 4, 8, 15, 30, 60, 120]", "pauses: []", "at least one pause"),
        ("most: 12", "most: many", "expected a whole number"),
        ("rest: 600", "rest: 60", "rest must not be shorter than within"),
        ("quiet:\n  awake: 3600\n", "", "quiet is missing"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    copy = copied(tmp_path / "config")
    written = (copy / "outbound.yaml").read_text()
    assert old in written
    (copy / "outbound.yaml").write_text(written.replace(old, new))
    with pytest.raises(ContentError) as caught:
        load_protocol(copy)
    assert any(
        says in str(problem) and "outbound.yaml:" in str(problem)
        for problem in caught.value.problems
    ), caught.value


def test_signatures_are_compared_as_they_are_written_on_telephones() -> None:
    signatures = load_protocol(CONFIG).outbound.loop.signatures
    assert "im driving with do not disturb" in signatures
    assert "respuesta automatica" in signatures
