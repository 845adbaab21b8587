"""``facilities.yaml``: a place that could not be rung, or not be offered, stops the start."""

from pathlib import Path

import pytest

from helpline.content import load_protocol
from helpline.content.problems import ContentError
from tests.configuration import copied

CLINIC = '  - {name: "Harbor clinic", phone: "+12025550123", countries: [US, GB]}\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return copied(tmp_path / "config")


def plant(config: Path, lines: str) -> None:
    (config / "facilities.yaml").write_text(f"facilities:\n{lines}", encoding="utf-8")


def test_there_are_none_by_default(config: Path) -> None:
    assert load_protocol(config).facilities == ()


def test_a_facility_is_read(config: Path) -> None:
    plant(config, CLINIC)
    (found,) = load_protocol(config).facilities
    assert (found.name, found.phone, found.countries) == (
        "Harbor clinic",
        "+12025550123",
        ("US", "GB"),
    )


@pytest.mark.parametrize(
    ("was", "planted", "said"),
    [
        ('"+12025550123"', '"2025550123"', "not a telephone number"),
        ('"+12025550123"', '"911"', "not a telephone number"),
        ('"+12025550123"', '"+19005550123"', "a premium number, which is never dialled"),
        ('"+12025550123"', '"+870773111632"', "a satellite number, which is never dialled"),
        ('"+12025550123"', '"+33612345678"', "a country that is not configured"),
        ('"Harbor clinic"', '"A name of twenty-one."', "a name of 1 to 20 letters"),
        ('"Harbor clinic"', '" "', "a name of 1 to 20 letters"),
        ("[US, GB]", "[UX]", "'UX' is not known"),
        ("[US, GB]", "[]", "one country at least"),
        ("countries:", "country:", "unknown key 'country'"),
    ],
)
def test_mistakes_are_found_with_their_line(
    config: Path, was: str, planted: str, said: str
) -> None:
    assert was in CLINIC
    plant(config, CLINIC.replace(was, planted))
    with pytest.raises(ContentError) as caught:
        load_protocol(config)
    assert "facilities.yaml:2" in str(caught.value)
    assert said in str(caught.value)


def test_more_than_there_are_keys(config: Path) -> None:
    plant(config, CLINIC * 10)
    with pytest.raises(ContentError) as caught:
        load_protocol(config)
    assert "10 facilities for US, at most 9" in str(caught.value)
