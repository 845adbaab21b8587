"""What a single variable may look like. Messages never quote the value: it may be a secret."""

import json
import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import phonenumbers
from cryptography.fernet import Fernet
from pydantic import BeforeValidator, Field, SecretStr

GSM7 = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def _listed(value: Any) -> Any:
    """Split commas and blanks, or read a JSON list."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return tuple(json.loads(value))
        except (ValueError, TypeError):
            raise ValueError("is not a JSON list") from None
    return tuple(part for part in re.split(r"[,\s]+", value) if part)


def _number(value: Any) -> str:
    """An E.164 number that is possible; whether it is assigned, only the carrier knows."""
    text = str(value)
    try:
        parsed = phonenumbers.parse(text) if re.fullmatch(r"\+[1-9]\d{6,14}", text) else None
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise ValueError("holds something that is not a telephone number in E.164")
    return text


def _database(value: Any) -> Any:
    text = str(value)
    text = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", text)
    if not text.startswith(("sqlite://", "postgresql+psycopg://")):
        raise ValueError("is neither SQLite nor PostgreSQL")
    return text


def _redis(value: Any) -> Any:
    if not str(value).startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("is not the address of a Redis")
    return value


def _http(value: Any) -> str:
    text = str(value).rstrip("/")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("is not an http(s) address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is not an http(s) address")
    return text


def _host(value: Any) -> str:
    text = str(value)
    if re.fullmatch(r"[\d.]+|.*:.*", text):
        try:
            ip_address(text)
        except ValueError:
            raise ValueError("is not an address") from None
    elif not re.fullmatch(r"[\w.-]+", text):
        raise ValueError("is not the name of a machine")
    return text


def _fernet(value: Any) -> Any:
    try:
        Fernet(str(value))
    except ValueError:
        raise ValueError("holds something that is not a Fernet key") from None
    return value


def _long(value: Any) -> Any:
    if len(str(value)) < 32:
        raise ValueError("is shorter than 32 characters")
    return value


def _short_words(value: Any) -> str:
    text = str(value).strip()
    if not 0 < len(text) <= 12 or not GSM7.issuperset(text):
        raise ValueError("is not 1 to 12 characters of the basic SMS alphabet")
    return text


def _country(value: Any) -> str:
    text = str(value).upper()
    if text not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("is not a country code")
    return text


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Numbers = Annotated[tuple[Annotated[str, BeforeValidator(_number)], ...], BeforeValidator(_listed)]
FernetKeys = Annotated[
    tuple[Annotated[SecretStr, BeforeValidator(_fernet)], ...], BeforeValidator(_listed)
]
Host = Annotated[str, BeforeValidator(_host)]
Country = Annotated[str, BeforeValidator(_country)]
DatabaseUrl = Annotated[str, BeforeValidator(_database)]
RedisUrl = Annotated[str, BeforeValidator(_redis)]
Url = Annotated[str, BeforeValidator(_http)]
LongSecret = Annotated[SecretStr, BeforeValidator(_long)]
ShortWords = Annotated[str, BeforeValidator(_short_words)]
Port = Annotated[int, Field(ge=1, le=65535)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
