"""The signature that proves a webhook came from the carrier.

Computed as https://www.twilio.com/docs/usage/security#validating-requests describes: HMAC-SHA1
with the account's token over the full URL followed by each form field's name and value in the
order of the names, base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable


def sign(auth_token: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """The value of `X-Twilio-Signature`.

    `url` is complete, with its query string exactly as requested and without a fragment.
    `fields` are the POST form's pairs; a GET signs the URL alone. A name that occurs several
    times is signed once per distinct value, in the order of the values.
    """
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
