"""Every variable: what it accepts, what it refuses, and that one message names it all."""

import re
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.gunicorn import server_options
from config.settings import REPOSITORY, Settings, SettingsError, load_settings, variable

FERNET = "ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSE="
REAL = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "PUBLIC_BASE_URL": "https://line.example.org/",
    "HELPLINE_SMS_NUMBERS": "+12025550100, +12025550101",
    "HELPLINE_VOICE_NUMBERS": '["+12025550102"]',
    "HELPLINE_SECRET_KEY": "s" * 32,
    "HELPLINE_INDEX_KEY": "i" * 32,
    "HELPLINE_ENCRYPTION_KEYS": FERNET,
}

Refuse = Callable[..., tuple[str, ...]]


@pytest.fixture
def refuse(tmp_path: Path) -> Refuse:
    """The problems that changes to a good environment give; None removes a variable."""

    def problems(changes: dict[str, str | None], base: dict[str, str] = REAL) -> tuple[str, ...]:
        mixed = {"HELPLINE_VAR_DIR": str(tmp_path)} | base | changes
        environ = {name: value for name, value in mixed.items() if value is not None}
        with pytest.raises(SettingsError) as caught:
            load_settings(environ)
        for problem in caught.value.problems:
            assert problem in str(caught.value)
        return caught.value.problems

    return problems


def example(prefix: str = "#") -> dict[str, str]:
    """What .env.example shows, as if every line were uncommented."""
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    found = [re.fullmatch(rf"{prefix}([A-Z_]+)=(.*)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


def test_env_example_lists_exactly_the_settings() -> None:
    fields = {variable(name) for name in Settings.model_fields if name != "practice"}
    assert set(example()) == fields
    assert example(prefix="") == {}, "an untouched copy must give practice mode"


def test_env_example_is_an_environment_that_works() -> None:
    environ = {k: v for k, v in example().items() if k != "HELPLINE_CLOCK_OFFSET_FILE"}
    assert not load_settings(environ).practice


def test_every_variable_of_the_example_is_explained() -> None:
    above = ""
    for line in (REPOSITORY / ".env.example").read_text().splitlines():
        if re.match(r"#[A-Z_]+=", line):
            assert above.startswith("#"), line
        above = line


def test_a_real_carrier() -> None:
    settings = load_settings(REAL)
    assert not settings.practice
    assert settings.public_base_url == "https://line.example.org"
    assert settings.twilio_api_base_url == "https://api.twilio.com"
    assert settings.sms_numbers == ("+12025550100", "+12025550101")
    assert settings.voice_numbers == ("+12025550102",)
    assert settings.twilio_auth_token.get_secret_value() == "token"
    assert [key.get_secret_value() for key in settings.encryption_keys] == [FERNET]
    assert settings.url == "line.example.org"
    assert settings.redis_url is None
    assert settings.config_dir == REPOSITORY / "config"
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_no_secret_shows_when_settings_are_printed() -> None:
    environ = REAL | {"DATABASE_URL": "postgresql://u:pass-word@h/d", "REDIS_URL": "redis://:pw@h"}
    shown = repr(load_settings(environ))
    for secret in ("pass-word", ":pw@", "s" * 32, "i" * 32, FERNET, "'token'"):
        assert secret not in shown


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_by_any_of_its_names(scheme: str) -> None:
    settings = load_settings(REAL | {"DATABASE_URL": f"{scheme}://u@h/d"})
    assert settings.database_url == "postgresql+psycopg://u@h/d"
    assert not settings.uses_sqlite


def test_empty_is_the_same_as_absent(tmp_path: Path) -> None:
    settings = load_settings(
        {"TWILIO_ACCOUNT_SID": " ", "REDIS_URL": "", "HELPLINE_VAR_DIR": str(tmp_path)}
    )
    assert settings.practice
    assert settings.redis_url is None


def test_practice_mode_needs_nothing(tmp_path: Path) -> None:
    settings = load_settings({"HELPLINE_VAR_DIR": str(tmp_path / "var"), "PORT": "9100"})
    assert settings.practice
    assert settings.database_url == f"sqlite:///{tmp_path}/var/helpline.db"
    assert settings.twilio_api_base_url == settings.simulator_url == "http://127.0.0.1:9110"
    assert settings.public_base_url == settings.web_url == "http://127.0.0.1:9100"
    assert settings.console_port == 9101
    assert settings.sms_numbers == settings.voice_numbers == ("+15005550006",)
    assert re.fullmatch("AC[0-9a-f]{32}", settings.twilio_account_sid)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("10.0.0.7", "http://10.0.0.7:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_a_host_that_means_every_interface_is_reached_here(host: str, url: str) -> None:
    assert load_settings(REAL | {"HOST": host}).web_url == url


def test_practice_keys_are_made_once_and_private(tmp_path: Path) -> None:
    environ = {"HELPLINE_VAR_DIR": str(tmp_path / "var")}
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: str(_secrets(load_settings(environ))), range(64)))
    assert len(made) == 1
    (file,) = (tmp_path / "var").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def _secrets(settings: Settings) -> list[str]:
    keys = [settings.secret_key, settings.index_key, settings.twilio_auth_token]
    return [key.get_secret_value() for key in (*keys, *settings.encryption_keys)]


def test_practice_with_keys_of_your_own(tmp_path: Path) -> None:
    environ = {"HELPLINE_VAR_DIR": str(tmp_path), "HELPLINE_SECRET_KEY": "x" * 40}
    assert load_settings(environ).secret_key.get_secret_value() == "x" * 40


def test_a_damaged_practice_file_is_not_replaced(tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "practice.json").write_text("{}")
    (problem,) = refuse({}, base={})
    assert "practice.json is damaged" in problem


def test_a_folder_that_cannot_be_written(tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "file").write_text("")
    (problem,) = refuse({"HELPLINE_VAR_DIR": str(tmp_path / "file")}, base={})
    assert problem.startswith("HELPLINE_VAR_DIR cannot hold")


@pytest.mark.parametrize("name", sorted(set(REAL) - {"TWILIO_ACCOUNT_SID"}))
def test_with_a_carrier_every_key_is_needed(name: str, refuse: Refuse) -> None:
    (problem,) = refuse({name: None})
    assert problem.startswith(f"{name} is missing. ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://h/d"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("PUBLIC_BASE_URL", "line.example.org"),
        ("PUBLIC_BASE_URL", "https://line.example.org:port"),
        ("PUBLIC_BASE_URL", "https://[line"),
        ("TWILIO_API_BASE_URL", "ftp://h"),
        ("TWILIO_ACCOUNT_SID", "AC123"),
        ("HOST", "1.2.3"),
        ("HOST", "http://localhost"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("CONSOLE_PORT", "0"),
        ("HELPLINE_SIMULATOR_PORT", "-1"),
        ("HELPLINE_SMS_NUMBERS", "2025550100"),
        ("HELPLINE_SMS_NUMBERS", "+1202555"),
        ("HELPLINE_SMS_NUMBERS", '["+12025550100"'),
        ("HELPLINE_SMS_NUMBERS", ","),
        ("HELPLINE_SMS_NUMBERS", "+12025550100,+18005550100"),
        ("HELPLINE_SMS_NUMBERS", "+18445550100"),
        ("HELPLINE_VOICE_NUMBERS", "[]"),
        ("HELPLINE_SECRET_KEY", "s" * 31),
        ("HELPLINE_INDEX_KEY", "i" * 31),
        ("HELPLINE_INDEX_KEY", "s" * 32),
        ("HELPLINE_ENCRYPTION_KEYS", "not-a-key"),
        ("HELPLINE_ENCRYPTION_KEYS", f"{FERNET},short"),
        ("HELPLINE_COUNTRY", "Atlantis"),
        ("HELPLINE_ORG", "thirteen char"),
        ("HELPLINE_ORG", "Línea"),
        ("HELPLINE_ROLE", "{role}"),
        ("HELPLINE_URL", "x" * 41),
        ("HELPLINE_LOG_LEVEL", "loud"),
        ("HELPLINE_WEB_WORKERS", "0"),
        ("HELPLINE_WEB_THREADS", "many"),
        ("HELPLINE_CLOCK_OFFSET_FILE", "var/clock"),
    ],
)
def test_malformed(name: str, value: str, refuse: Refuse) -> None:
    problems = refuse({name: value})
    assert [problem.split()[0] for problem in problems] == [name]
    assert problems[0].count(". ") >= 1, "says what is wrong and how to put it right"


def test_toll_free_numbers_may_ring_but_not_text(refuse: Refuse) -> None:
    assert load_settings(REAL | {"HELPLINE_VOICE_NUMBERS": "+18335550100"})
    (problem,) = refuse({"HELPLINE_SMS_NUMBERS": "+18335550100"})
    assert "toll-free" in problem


def test_all_problems_at_once_without_any_value(refuse: Refuse) -> None:
    problems = refuse(
        {
            "TWILIO_AUTH_TOKEN": None,
            "HELPLINE_ENCRYPTION_KEYS": "hush-hush",
            "HELPLINE_INDEX_KEY": "hush",
            "HELPLINE_SMS_NUMBERS": "+18005550100",
            "HELPLINE_CLOCK_OFFSET_FILE": "x",
            "PORT": "hush",
        }
    )
    assert {problem.split()[0] for problem in problems} == {
        "TWILIO_AUTH_TOKEN",
        "HELPLINE_ENCRYPTION_KEYS",
        "HELPLINE_INDEX_KEY",
        "HELPLINE_SMS_NUMBERS",
        "HELPLINE_CLOCK_OFFSET_FILE",
        "PORT",
    }
    assert "hush" not in " ".join(problems)


def test_the_clock_may_be_moved_with_another_carrier() -> None:
    base = {"TWILIO_API_BASE_URL": "http://127.0.0.1:1/", "TWILIO_ACCOUNT_SID": "project-1"}
    settings = load_settings(REAL | base | {"HELPLINE_CLOCK_OFFSET_FILE": "clock"})
    assert settings.clock_offset_file == Path("clock")


@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKEN", "TWILIO_API_BASE_URL"])
def test_half_a_carrier_is_not_practice(name: str, refuse: Refuse) -> None:
    (problem,) = refuse({name: "http://carrier.example"}, base={})
    assert problem.startswith("TWILIO_ACCOUNT_SID is missing")


@pytest.mark.parametrize("half", ["ACCOUNT_SID", "AUTH_TOKEN"])
def test_half_a_crisis_account(half: str, refuse: Refuse) -> None:
    (problem,) = refuse({f"TWILIO_CRISIS_{half}": "x"})
    assert "is missing" in problem


def test_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9200\nHELPLINE_ORG=File\n")
    code = (
        "from config.settings import load_settings as l; s = l(); print(s.port, s.org, s.practice)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "HELPLINE_ORG": "Shell"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["9200", "Shell", "True"]


def test_importing_does_nothing(tmp_path: Path) -> None:
    code = "import config.settings, config.practice, config.gunicorn, helpline.processes"
    environ = {"PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ, check=True)
    assert not list(tmp_path.iterdir())


def test_gunicorn_uses_threads_only_where_they_help() -> None:
    sqlite = server_options(load_settings(REAL))
    assert (sqlite["worker_class"], sqlite["workers"], sqlite["threads"]) == ("sync", 3, 1)
    postgres = server_options(load_settings(REAL | {"DATABASE_URL": "postgres://h/d"}))
    assert (postgres["worker_class"], postgres["threads"]) == ("gthread", 16)
    assert postgres["bind"] == "127.0.0.1:8000"


def test_few_requests_wait_inside_a_web_process_and_no_idle_connection() -> None:
    """A flood stands in front of a text of danger for as long as a thread takes for two."""
    options = server_options(load_settings(REAL | {"DATABASE_URL": "postgres://h/d"}))
    assert options["worker_connections"] == 2 * options["threads"]
    assert options["keepalive"] == 0
    assert options["backlog"] <= 256
