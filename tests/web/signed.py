"""Webhooks as the carrier posts them: signed for the address that it knows."""

from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from helpline.carrier.webhook import SignatureCheck
from helpline.runtime import Runtime
from helpline.web.wsgi import make_app
from tests.carrier.signing import TOKEN, sign

BASE = "https://line.example.org"
FORM = "application/x-www-form-urlencoded"


def client_of(rt: Runtime, *tokens: str) -> FlaskClient:
    """The webhooks with a real signature check."""
    return make_app(rt, SignatureCheck(tokens or (TOKEN,), BASE)).test_client()


def post(
    client: FlaskClient,
    target: str,
    form: MultiDict[str, str],
    *,
    token: str = TOKEN,
    signature: str | None = None,
    method: str = "POST",
) -> Any:
    """Post a form, signed unless another signature is given."""
    fields = [
        (name.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode())
        for name, value in form.items(multi=True)
    ]
    body = urlencode(fields).encode()
    good = sign(BASE + target, MultiDict(fields), token)
    return client.open(
        target,
        method=method,
        data=body,
        content_type=FORM,
        headers={"X-Twilio-Signature": good if signature is None else signature},
        environ_overrides={"RAW_URI": target},
    )


def ROUTES_BY_KIND(kind: str) -> str:  # noqa: N802 - a table with a rule
    """Where a recorded payload is posted."""
    family, _, what = kind.partition(".")
    if what.startswith("inbound") and family in {"sms", "mms", "whatsapp"}:
        return "/twilio/sms"
    if family in {"sms", "mms", "whatsapp"}:
        return "/twilio/sms/status"
    if kind == "voice.inbound":
        return "/twilio/voice"
    if what.startswith("gather"):
        return "/twilio/voice/staff/choice"
    return "/twilio/voice/status"
