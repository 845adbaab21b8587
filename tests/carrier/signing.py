"""Twilio's signature, written down a second time, for tests."""

import base64
import hashlib
import hmac
from typing import Any

from helpline.carrier.webhook import (
    SignatureCheck,
)

TOKEN = "0123456789abcdef"
BASE = "https://line.example"


def sign(url: str, form: Any, token: str = TOKEN) -> str:
    """Twilio's algorithm, written down here a second time."""
    text = url
    for name in sorted(set(form)):
        for value in sorted(set(form.getlist(name))):
            text += name + value
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def check(*tokens: str, base: str = BASE) -> SignatureCheck:
    return SignatureCheck(tokens or (TOKEN,), base)
