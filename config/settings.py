"""The only reader of the environment: every variable, checked as a whole.

`load_settings()` either returns frozen `Settings` or raises one `SettingsError` that names
every problem, what is wrong with it and how to put it right. Values are never quoted in a
message: some of them are secrets. Importing this module does nothing.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config import practice
from config.values import (
    Country,
    DatabaseUrl,
    FernetKeys,
    Host,
    LogLevel,
    LongSecret,
    Numbers,
    Port,
    RedisUrl,
    ShortWords,
    Url,
)

REAL_CARRIER = "https://api.twilio.com"
REPOSITORY = Path(__file__).resolve().parent.parent
TOLL_FREE = tuple(f"+1{code}" for code in (800, 833, 844, 855, 866, 877, 888))
_UNPREFIXED = frozenset(
    {
        *("database_url", "redis_url", "public_base_url", "host", "port", "console_port"),
        *("twilio_account_sid", "twilio_auth_token", "twilio_auth_token_secondary"),
        *("twilio_api_base_url", "twilio_messaging_service_sid"),
        *("twilio_crisis_account_sid", "twilio_crisis_auth_token", "prometheus_multiproc_dir"),
    }
)
_NEEDED_WITH_A_CARRIER = (
    *("TWILIO_AUTH_TOKEN", "PUBLIC_BASE_URL", "HELPLINE_SMS_NUMBERS", "HELPLINE_VOICE_NUMBERS"),
    *("HELPLINE_SECRET_KEY", "HELPLINE_INDEX_KEY", "HELPLINE_ENCRYPTION_KEYS"),
)


class SettingsError(Exception):
    """The environment cannot be used; the text names every problem."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            f"{count} with the settings (environment or .env; see .env.example):"
            + "".join(f"\n  {problem}" for problem in problems)
        )


def variable(field: str) -> str:
    """The environment's name of a field: `port` is PORT, `org` is HELPLINE_ORG."""
    return field.upper() if field in _UNPREFIXED else f"HELPLINE_{field.upper()}"


class Settings(BaseSettings):
    """Everything a process is told from outside. Descriptions say how to set a field right."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", alias_generator=variable)

    database_url: DatabaseUrl = Field(
        repr=False, description="Use sqlite:///path or postgresql://user:password@host/name."
    )
    redis_url: RedisUrl | None = Field(
        None,
        repr=False,
        description="Use redis://host:6379/0, rediss://… or unix:///path; `run` starts its own.",
    )
    public_base_url: Url = Field(
        description="Set the address at which the carrier reaches you, https://line.example.org."
    )
    twilio_account_sid: str = Field(
        description="Copy the account SID (AC and 32 hexadecimal digits) from Twilio's console."
    )
    twilio_auth_token: SecretStr = Field(description="Copy the auth token from Twilio's console.")
    twilio_auth_token_secondary: SecretStr | None = Field(
        None, description="The second token while you rotate; otherwise leave it out."
    )
    twilio_api_base_url: Url = Field(
        REAL_CARRIER, description="Leave it out for Twilio; else the server's http(s) address."
    )
    twilio_messaging_service_sid: str | None = Field(
        None, description="Copy the SID (MG…) of the messaging service, or leave it out."
    )
    twilio_crisis_account_sid: str | None = Field(
        None, description="Set both TWILIO_CRISIS_ACCOUNT_SID and _AUTH_TOKEN, or neither."
    )
    twilio_crisis_auth_token: SecretStr | None = Field(
        None, description="Set both TWILIO_CRISIS_ACCOUNT_SID and _AUTH_TOKEN, or neither."
    )

    host: Host = Field("127.0.0.1", description="An address of this machine, or 0.0.0.0 for all.")
    port: Port = Field(8000, description="A port from 1 to 65535.")
    console_port: Port = Field(8001, description="A port from 1 to 65535 (usually PORT + 1).")
    simulator_port: Port = Field(8010, description="A port from 1 to 65535 (usually PORT + 10).")

    sms_numbers: Numbers = Field(description="List your numbers like +12025550100,+12025550101.")
    voice_numbers: Numbers = Field(description="List your numbers like +12025550100,+12025550101.")
    crisis_numbers: Numbers = Field(
        (),
        description="List what the crisis account itself owns, like +12025550102: it can send "
        "from no other number. It pages staff; the line's own numbers do not belong there.",
    )
    secret_key: LongSecret = Field(description="Make one: openssl rand -hex 32.")
    index_key: LongSecret = Field(
        description="Make one: openssl rand -hex 32. Keep it: numbers are found with it."
    )
    encryption_keys: FernetKeys = Field(
        description="Make one: openssl rand -base64 32 | tr '+/' '-_'. New keys go in front."
    )

    country: Country = Field("US", description="Two letters, like US or ES.")
    console_url: Url | None = Field(
        None, description="The address at which staff reach their pages, https://staff.example.org."
    )
    console_threads: int = Field(96, ge=8, le=512, description="A number from 8 to 512.")
    org: ShortWords = Field("Helpline", description="A short name that texts can open with.")
    role: ShortWords = Field("specialist", description="What callers are told a specialist is.")
    url: str = Field("", max_length=40, description="At most 40 characters, like line.example.org.")

    config_dir: Path = Field(REPOSITORY / "config", description="A folder like config/.")
    var_dir: Path = Field(Path("var"), description="A folder that the line may write to.")
    spool_dir: Path | None = Field(
        None, description="A folder on a local disk, shared by web and guard of this machine."
    )
    clock_offset_file: Path | None = Field(None, description="A file of seconds; for tests only.")
    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    prometheus_multiproc_dir: Path | None = Field(
        None, description="A folder of its own, on a local disk; it is emptied at every start."
    )
    deadman_url: Url | None = Field(
        None, description="The address that an outside watch gave you, https://…, or leave it out."
    )
    web_workers: int = Field(3, ge=1, le=64, description="A number from 1 to 64.")
    web_threads: int = Field(8, ge=1, le=64, description="A number from 1 to 64.")
    practice: bool = Field(False, validation_alias="practice", exclude=True)
    """No carrier account: the simulator is the carrier. Not a variable."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` hands over, so that tests can bring their own environment."""
        return (init_settings,)

    @property
    def uses_sqlite(self) -> bool:
        """One file, one writer at a time."""
        return self.database_url.startswith("sqlite")

    @property
    def metrics_dir(self) -> Path:
        """Where the web processes keep their counts, for all of them to add up."""
        return self.prometheus_multiproc_dir or self.var_dir / "metrics"

    @property
    def web_url(self) -> str:
        """Where this machine reaches its own web process."""
        return f"http://{local_host(self.host)}:{self.port}"

    @property
    def staff_url(self) -> str:
        """Where staff reach their pages; on this machine when nothing else is said."""
        return self.console_url or f"http://{local_host(self.host)}:{self.console_port}"

    @property
    def simulator_url(self) -> str:
        """Where the practice carrier and its telephones are."""
        return f"http://127.0.0.1:{self.simulator_port}"


def local_host(host: str) -> str:
    """An address of this machine that can be dialled, also when `host` means all of them."""
    if not host.strip("0.:"):
        host = "::1" if ":" in host else "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def load_settings(
    environ: Mapping[str, str] | None = None, *, needs: tuple[str, ...] = ()
) -> Settings:
    """The settings of `environ`, by default the process's environment, then `.env`.

    Args:
        needs: variables that may be left out, but not by this process.

    Raises:
        SettingsError: something is missing or malformed; every problem is named.
    """
    found = {**dotenv_values(".env"), **os.environ} if environ is None else environ
    given: dict[str, Any] = {
        name: value.strip() for name, value in found.items() if value and value.strip()
    }
    problems = list(_contradictions(given))
    problems += [f"{name} is missing. {_hints()[name]}" for name in needs if name not in given]
    try:
        settings = Settings(**_complete(given))
    except ValidationError as error:
        problems = [*_explain(error), *problems]
    except practice.PracticeBroken as error:
        problems.append(str(error))
    if problems:
        raise SettingsError(tuple(dict.fromkeys(problems)))
    return settings


def _complete(given: dict[str, Any]) -> dict[str, Any]:
    """What was given plus the defaults that depend on other variables."""
    asked = str(given.get("PORT", ""))
    port = int(asked) if asked.isdecimal() and 0 < int(asked) <= 65525 else 8000
    var_dir = Path(given.get("HELPLINE_VAR_DIR", "var"))
    values: dict[str, Any] = {
        "DATABASE_URL": f"sqlite:///{var_dir / 'helpline.db'}",
        "CONSOLE_PORT": port + 1,
        "HELPLINE_SIMULATOR_PORT": port + 10,
    }
    if "TWILIO_ACCOUNT_SID" not in given:
        host = local_host(given.get("HOST", "127.0.0.1"))
        simulator_port = given.get("HELPLINE_SIMULATOR_PORT", port + 10)
        values |= practice.read_or_make(var_dir)
        values["PUBLIC_BASE_URL"] = f"http://{host}:{port}"
        given = given | {"TWILIO_API_BASE_URL": f"http://127.0.0.1:{simulator_port}"}
        values["practice"] = True
    values |= {name: value for name, value in given.items() if name != "practice"}
    _, _, address = str(values.get("PUBLIC_BASE_URL", "")).partition("://")
    values.setdefault("HELPLINE_URL", address.partition("/")[0])
    return values


def _explain(error: ValidationError) -> Iterator[str]:
    hints = _hints()
    for detail in error.errors(include_input=False, include_url=False):
        name = str(detail["loc"][0])
        if detail["type"] == "missing":
            wrong = "is missing"
        elif detail["type"] == "value_error":
            wrong = detail["msg"].removeprefix("Value error, ")
        else:
            wrong = "is malformed: " + detail["msg"][0].lower() + detail["msg"][1:]
        yield f"{name} {wrong}. {hints.get(name) or ''}".rstrip()


def _contradictions(given: Mapping[str, str]) -> Iterator[str]:
    """What no field can see alone; works on what was given, so that nothing hides it."""
    hints = _hints()
    yield from _carrier_problems(given, hints)
    for name in ("HELPLINE_SMS_NUMBERS", "HELPLINE_VOICE_NUMBERS", "HELPLINE_ENCRYPTION_KEYS"):
        if name in given and not re.search(r"\w", given[name]):
            yield f"{name} is empty. {hints[name]}"
    if re.search("|".join(map(re.escape, TOLL_FREE)), given.get("HELPLINE_SMS_NUMBERS", "")):
        yield (
            "HELPLINE_SMS_NUMBERS holds a toll-free number, on which the network answers STOP"
            " and this line never sees it. Use a local number for texts."
        )
    if ("TWILIO_CRISIS_ACCOUNT_SID" in given) != ("TWILIO_CRISIS_AUTH_TOKEN" in given):
        missing = "AUTH_TOKEN" if "TWILIO_CRISIS_ACCOUNT_SID" in given else "ACCOUNT_SID"
        yield f"TWILIO_CRISIS_{missing} is missing. {hints['TWILIO_CRISIS_AUTH_TOKEN']}"
    yield from _crisis_number_problems(given, hints)
    if (key := given.get("HELPLINE_INDEX_KEY")) and key == given.get("HELPLINE_SECRET_KEY"):
        yield "HELPLINE_INDEX_KEY equals HELPLINE_SECRET_KEY. Make two: openssl rand -hex 32."


def _crisis_number_problems(
    given: Mapping[str, str], hints: Mapping[str, str | None]
) -> Iterator[str]:
    """A number belongs to one account: the crisis account pages from its own."""
    name = "HELPLINE_CRISIS_NUMBERS"
    account = {"TWILIO_CRISIS_ACCOUNT_SID", "TWILIO_CRISIS_AUTH_TOKEN"}
    numbers = set(re.findall(r"\+\d+", given.get(name, "")))
    if account <= given.keys() and not numbers:
        yield f"{name} is missing though TWILIO_CRISIS_ACCOUNT_SID is set. {hints[name]}"
    if numbers and not account & given.keys():
        yield f"{name} is set though TWILIO_CRISIS_ACCOUNT_SID is missing. Set both, or neither."
    for other in ("HELPLINE_SMS_NUMBERS", "HELPLINE_VOICE_NUMBERS"):
        if numbers & set(re.findall(r"\+\d+", given.get(other, ""))):
            yield f"{name} and {other} share a number, which belongs to one account. {hints[name]}"


def _carrier_problems(given: Mapping[str, str], hints: Mapping[str, str | None]) -> Iterator[str]:
    """An account is given whole or not at all, and a real one keeps real time."""
    base = given.get("TWILIO_API_BASE_URL", REAL_CARRIER).rstrip("/").lower()
    sid = given.get("TWILIO_ACCOUNT_SID")
    if sid is None:
        for name in ("TWILIO_AUTH_TOKEN", "TWILIO_API_BASE_URL"):
            if name in given and (name != "TWILIO_API_BASE_URL" or base != REAL_CARRIER):
                yield f"TWILIO_ACCOUNT_SID is missing though {name} is set. Set both, or neither."
        return
    for name in _NEEDED_WITH_A_CARRIER:
        if name not in given:
            yield f"{name} is missing. {hints[name]}"
    form = r"AC[0-9a-fA-F]{32}" if base == REAL_CARRIER else r"[\w.~-]+"
    if not re.fullmatch(form, sid):
        yield f"TWILIO_ACCOUNT_SID is malformed. {hints['TWILIO_ACCOUNT_SID']}"
    if base == REAL_CARRIER and "HELPLINE_CLOCK_OFFSET_FILE" in given:
        yield "HELPLINE_CLOCK_OFFSET_FILE would move real deadlines. Remove it."


def _hints() -> dict[str, str | None]:
    return {variable(name): field.description for name, field in Settings.model_fields.items()}
