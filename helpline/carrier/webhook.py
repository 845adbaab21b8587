"""What Twilio posts to us: is it genuine, and what does it say.

Parsing never raises: a field may be missing, empty, repeated or hostile, and a
webhook must still be answered (DESIGN 8: malformed fields never give a 5xx).
Field names: twilio.com/docs/messaging/guides/webhook-request and
twilio.com/docs/voice/twiml#request-parameters.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from werkzeug.datastructures import MultiDict

WORDS = 10_000
"""Characters of a body or transcript that are kept; an SMS has 1,600 at most."""

SHORT = 256
"""Characters of any other field that are kept."""

Form = MultiDict[str, str]

_SIGNATURE = re.compile(r"[A-Za-z0-9+/=]{8,128}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_SID = re.compile(r"[A-Za-z]{2}[A-Za-z0-9]{2,62}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_KEYS = re.compile(r"[^0-9*#]")
_WORD = re.compile(r"[a-z][a-z_-]{0,31}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_OPT_OUTS = frozenset({"STOP", "START", "HELP"})
_MOST_MEDIA = 10


class SignatureCheck:
    """Was this request signed with one of our tokens for exactly this address?

    Args:
        tokens: the auth token, then the secondary one during a rotation.
        public_base_url: what the carrier signs; ``Host`` and ``X-Forwarded-*`` are
            never believed (RELIABILITY C).
    """

    def __init__(self, tokens: Sequence[str], public_base_url: str) -> None:
        self._tokens = tuple(token.encode() for token in tokens if token)
        self._bases = _with_and_without_port(public_base_url.rstrip("/"))

    def accepts(self, path_and_query: str, form: Form, signature: str | None) -> bool:
        """True when genuine. Never raises.

        Args:
            path_and_query: as received, escapes kept: `raw_target`.
            form: the posted fields, repeated ones included; empty for GET.
            signature: the ``X-Twilio-Signature`` header.

        A JSON webhook signs its body through ``bodySHA256`` in the address, not through
        the form: those are none of ours and are refused.
        """
        if not signature or not _SIGNATURE.fullmatch(signature):
            return False
        if not path_and_query.startswith("/") or "bodySHA256=" in path_and_query:
            return False
        genuine = False
        for expected in self._signatures(path_and_query, form):
            genuine |= hmac.compare_digest(expected, signature)
        return genuine

    def _signatures(self, path_and_query: str, form: Form) -> Iterator[str]:
        fields = _as_signed(form)
        for base in self._bases:
            try:
                signed = f"{base}{path_and_query}{fields}".encode()
            except UnicodeError:
                return
            for token in self._tokens:
                yield base64.b64encode(hmac.digest(token, signed, hashlib.sha1)).decode()


def _as_signed(form: Form) -> str:
    """Names and values as the carrier signs them, each once and in order.

    What twilio-python's RequestValidator makes anew for every token and port is made once;
    a test holds the two together.
    """
    return "".join(
        name + value for name, values in sorted(form.lists()) for value in sorted(set(values))
    )


def _with_and_without_port(base: str) -> tuple[str, ...]:
    """Twilio signs some requests with the default port, some without (RequestValidator)."""
    parts = urlsplit(base)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    if default is None or not parts.hostname or parts.port not in (None, default):
        return (base,)
    host = parts.netloc.removesuffix(f":{default}")
    return tuple(f"{parts.scheme}://{netloc}{parts.path}" for netloc in (host, f"{host}:{default}"))


def raw_target(environ: Mapping[str, Any]) -> str:
    """Path and query as the carrier sent them, escapes kept.

    gunicorn keeps the bytes in ``RAW_URI``. An absolute-form request line puts a whole
    foreign URL there (RELIABILITY C): then, and on other servers, it is rebuilt.
    """
    raw = environ.get("RAW_URI")
    if isinstance(raw, str) and raw.startswith("/"):
        return raw.partition("#")[0]
    path = str(environ.get("SCRIPT_NAME") or "") + str(environ.get("PATH_INFO") or "")
    query = str(environ.get("QUERY_STRING") or "")
    target = quote(path.encode("latin-1", "replace"), safe=_PATH_SAFE) or "/"
    return f"{target}?{query}" if query else target


@dataclass(frozen=True, slots=True)
class InboundText:
    """An SMS, MMS or WhatsApp text that arrived; `repr` shows neither number nor words.

    `sender` and `recipient` are the carrier's words without ``whatsapp:``: E.164, a short
    code, a WhatsApp user id, or empty. `cut` says that the body was longer than `WORDS`.
    """

    sid: str
    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    body: str = field(repr=False)
    cut: bool
    media_count: int
    opt_out_type: str | None
    whatsapp: bool
    profile_name: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextReceipt:
    """News of a text that we sent; `token` is our attempt."""

    sid: str
    status: str
    error_code: int | None
    token: str | None


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Any voice webhook: a call begins, keys or speech, a leg leaves, a status.

    Durations are seconds (``CallDuration``; Twilio's ``Duration`` is billed minutes).
    `sequence` orders status callbacks. `event` and `conference` belong to conference
    callbacks, `transcript` and `recording_sid` to voicemail.
    """

    sid: str
    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    status: str
    direction: str
    token: str | None
    digits: str | None = field(repr=False)
    speech: str | None = field(repr=False)
    confidence: float | None
    answered_by: str | None
    dial_status: str | None
    dial_sid: str | None
    duration: int | None
    dial_duration: int | None
    sequence: int | None
    error_code: int | None
    event: str | None
    conference: str | None
    transcript: str | None = field(repr=False)
    recording_sid: str | None
    recording_duration: int | None


def parse_text(form: Form) -> InboundText:
    """Read an inbound text (POST /twilio/sms)."""
    sender, recipient = _first(form, "From"), _first(form, "To")
    body = _words(form, "Body")
    opt_out = _first(form, "OptOutType").upper()
    media = _whole(form, "NumMedia")
    if media is None:
        media = sum(1 for index in range(_MOST_MEDIA) if _first(form, f"MediaUrl{index}"))
    return InboundText(
        sid=_sid(form, "MessageSid", "SmsMessageSid", "SmsSid"),
        sender=_address(sender),
        recipient=_address(recipient),
        body=body[:WORDS],
        cut=len(body) > WORDS,
        media_count=min(media, _MOST_MEDIA),
        opt_out_type=opt_out if opt_out in _OPT_OUTS else None,
        whatsapp=any(_is_whatsapp(address) for address in (sender, recipient)),
        profile_name=_first(form, "ProfileName") or None,
    )


def parse_receipt(form: Form, args: Form) -> TextReceipt:
    """Read a text's status callback; `args` is the query of our callback address."""
    return TextReceipt(
        sid=_sid(form, "MessageSid", "SmsSid", "SmsMessageSid"),
        status=_word(form, "MessageStatus") or _word(form, "SmsStatus") or "",
        error_code=_whole(form, "ErrorCode") or None,
        token=_token(args),
    )


def parse_call(form: Form, args: Form) -> CallEvent:
    """Read any voice webhook; `args` is the query of our callback address."""
    return CallEvent(
        sid=_sid(form, "CallSid"),
        sender=_address(_first(form, "From") or _first(form, "Caller")),
        recipient=_address(_first(form, "To") or _first(form, "Called")),
        status=_word(form, "CallStatus") or "",
        direction=_word(form, "Direction") or "",
        token=_token(args),
        digits=_KEYS.sub("", _first(form, "Digits"))[:32] or None,
        speech=_words(form, "SpeechResult")[:WORDS] or None,
        confidence=_share(form, "Confidence"),
        answered_by=_word(form, "AnsweredBy"),
        dial_status=_word(form, "DialCallStatus"),
        dial_sid=_named_sid(form, "DialCallSid"),
        duration=_whole(form, "CallDuration"),
        dial_duration=_whole(form, "DialCallDuration"),
        sequence=_whole(form, "SequenceNumber"),
        error_code=_whole(form, "ErrorCode") or None,
        event=_word(form, "StatusCallbackEvent"),
        conference=_first(form, "FriendlyName") or None,
        transcript=_words(form, "TranscriptionText")[:WORDS] or None,
        recording_sid=_named_sid(form, "RecordingSid"),
        recording_duration=_whole(form, "RecordingDuration"),
    )


def _is_whatsapp(address: str) -> bool:
    return address[:9].lower() == "whatsapp:"


def _address(address: str) -> str:
    return address[9:].strip() if _is_whatsapp(address) else address


def _clean(text: str) -> str:
    """Without what a database or an XML file cannot hold.

    Control characters vanish, so that they cannot split a word that means danger.
    """
    return _SURROGATE.sub("�", _CONTROL.sub("", text))


def _first(form: Form, name: str) -> str:
    """The first value of a field that is not empty."""
    if name not in form:
        return ""
    for value in form.getlist(name):
        cleaned = _clean(str(value)[: SHORT * 4]).strip()[:SHORT]
        if cleaned:
            return cleaned
    return ""


def _words(form: Form, name: str) -> str:
    """All a person said in a field, one character over the limit at most.

    A repeated field is kept whole: what means danger may stand in the second one.
    """
    values = (_clean(str(value)[: WORDS * 2]) for value in form.getlist(name))
    return "\n".join(dict.fromkeys(value for value in values if value))[: WORDS + 1]


def _word(form: Form, name: str) -> str | None:
    value = _first(form, name).lower()
    return value if _WORD.fullmatch(value) else None


def _whole(form: Form, name: str) -> int | None:
    value = _first(form, name)
    return int(value) if _WHOLE.fullmatch(value) else None


def _share(form: Form, name: str) -> float | None:
    value = _first(form, name)
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,20})?", value):
        return None
    return float(value) if float(value) <= 1 else None


def _token(args: Form) -> str | None:
    value = _first(args, "attempt")
    return value if _TOKEN.fullmatch(value) else None


def _named_sid(form: Form, name: str) -> str | None:
    value = _first(form, name)
    return value if _SID.fullmatch(value) else None


def _sid(form: Form, *names: str) -> str:
    """The carrier's id; without one, an id made of the whole form, equal for a repeat."""
    for name in names:
        sid = _named_sid(form, name)
        if sid:
            return sid
    whole = hashlib.blake2b(digest_size=16)
    for name, values in sorted(form.lists()):
        for value in (name, *sorted(values)):
            encoded = str(value).encode("utf-8", "surrogatepass")
            whole.update(len(encoded).to_bytes(8, "big") + encoded)
    return "XX" + whole.hexdigest()
