"""Practice mode: an account and keys made once, so that a first start needs no set-up.

Several processes may start at once; whoever writes the file first decides, the others read.
"""

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from cryptography.fernet import Fernet

NUMBER = "+15005550006"
"""The carrier's own test number: it can be nobody's."""

_MADE = (
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "HELPLINE_SECRET_KEY",
    "HELPLINE_INDEX_KEY",
    "HELPLINE_ENCRYPTION_KEYS",
)


class PracticeBroken(Exception):
    """The practice file can be neither read nor made; the text says what to do."""


def read_or_make(var_dir: Path) -> dict[str, str]:
    """The practice account, keys and numbers of `var_dir`, by variable name.

    Raises:
        PracticeBroken: the folder cannot be written or the file is damaged.
    """
    path = var_dir / "practice.json"
    try:
        if not path.exists():
            _make(path)
        made = json.loads(path.read_text())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PracticeBroken(
            f"HELPLINE_VAR_DIR cannot hold {path} ({reason}). Name a folder you may write to."
        ) from error
    except ValueError:
        made = None
    if not isinstance(made, dict) or not all(isinstance(made.get(name), str) for name in _MADE):
        raise PracticeBroken(
            f"{path} is damaged. Restore it, or remove it together with the practice database."
        )
    return {name: made[name] for name in _MADE} | {
        "HELPLINE_SMS_NUMBERS": NUMBER,
        "HELPLINE_VOICE_NUMBERS": NUMBER,
    }


def _make(path: Path) -> None:
    made = {
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "HELPLINE_SECRET_KEY": secrets.token_hex(32),
        "HELPLINE_INDEX_KEY": secrets.token_hex(32),
        "HELPLINE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".practice-{os.getpid()}-{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(made, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        # A link fails when the name is taken, a rename would replace another's keys.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
