"""The one place where real parts meet."""

from config.settings import Settings
from helpline.bell import RqBell, SilentBell
from helpline.carrier import twiml
from helpline.carrier.client import Account, TwilioCarrier
from helpline.carrier.webhook import SignatureCheck
from helpline.content import load_kept, load_protocol
from helpline.domain import messages
from helpline.domain.phone import PhoneNumber
from helpline.domain.progress import Progress
from helpline.domain.protocol import Protocol
from helpline.domain.speech import HangUp, Say
from helpline.runtime import Line, Runtime
from helpline.service import wording
from helpline.service.staff import Desk
from helpline.spool import FileSpool
from helpline.store import DatabaseClock, KeyRing, Store, open_engine
from helpline.store.migrate import upgrade


def build_store(settings: Settings, *, pool_size: int = 8) -> Store:
    """The database with its key ring."""
    keys = KeyRing(
        tuple(key.get_secret_value() for key in settings.encryption_keys),
        settings.index_key.get_secret_value(),
    )
    return Store(open_engine(settings.database_url, keys, pool_size=pool_size), keys)


def build_runtime(settings: Settings, *, pool_size: int = 8) -> Runtime:
    """Everything a process needs.

    Raises:
        helpline.content.ContentError: the protocol is wrong; every mistake is named.
    """
    kept = settings.var_dir / "protocol.kept"
    protocol = load_kept(settings.config_dir, kept, settings.secret_key.get_secret_value())
    store = build_store(settings, pool_size=pool_size)
    return Runtime(
        store=store,
        carrier=_carrier(settings, protocol),
        bell=RqBell(settings.redis_url) if settings.redis_url else SilentBell(),
        clock=DatabaseClock(store, settings.clock_offset_file),
        protocol=protocol,
        line=Line(
            org=settings.org,
            role=settings.role,
            url=settings.url,
            country=settings.country,
            sms_numbers=tuple(PhoneNumber(number) for number in settings.sms_numbers),
            voice_numbers=tuple(PhoneNumber(number) for number in settings.voice_numbers),
            practice=settings.practice,
            crisis_numbers=tuple(PhoneNumber(number) for number in settings.crisis_numbers),
        ),
        spool=FileSpool(settings.spool_dir or settings.var_dir / "spool", store.keys),
    )


def build_signature_check(settings: Settings) -> SignatureCheck:
    """Genuine webhooks are signed with one of these tokens for this address."""
    tokens = [settings.twilio_auth_token.get_secret_value()]
    if settings.twilio_auth_token_secondary is not None:
        tokens.append(settings.twilio_auth_token_secondary.get_secret_value())
    if settings.twilio_crisis_auth_token is not None:
        tokens.append(settings.twilio_crisis_auth_token.get_secret_value())
    return SignatureCheck(tokens, settings.public_base_url)


def _carrier(settings: Settings, protocol: Protocol) -> TwilioCarrier:
    crisis = None
    if settings.twilio_crisis_account_sid and settings.twilio_crisis_auth_token:
        crisis = Account(
            settings.twilio_crisis_account_sid,
            settings.twilio_crisis_auth_token.get_secret_value(),
        )
    packs = protocol.countries.values()
    return TwilioCarrier(
        Account(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()),
        settings.twilio_api_base_url,
        settings.public_base_url,
        frozenset(protocol.countries) | {settings.country},
        crisis_account=crisis,
        crisis_numbers=frozenset(PhoneNumber(number) for number in settings.crisis_numbers),
        messaging_service_sid=settings.twilio_messaging_service_sid,
        never_dial=frozenset().union(*(pack.never_dial for pack in packs)),
    )


def build_staff_desk(settings: Settings) -> Desk:
    """What the staff commands need; the tables are brought up to date first."""
    store = build_store(settings)
    upgrade(store)
    return Desk(
        store,
        DatabaseClock(store, settings.clock_offset_file),
        frozenset(
            PhoneNumber(number)
            for number in (
                *settings.sms_numbers,
                *settings.voice_numbers,
                *settings.crisis_numbers,
            )
        ),
    )


def migrate(settings: Settings) -> None:
    """Bring the database to the newest tables."""
    store = build_store(settings)
    upgrade(store)
    store.dispose()


def carrier_texts(settings: Settings) -> dict[str, str]:
    """What the carrier itself answers to STOP, HELP and START, filled in for this line."""
    rt = build_runtime(settings)
    line = str(settings.sms_numbers[0])
    caller = Progress(country=settings.country)
    texts = {
        word: wording.to_caller(rt, f"KW_{word}", caller, staffed=True, line=line)
        for word in ("STOP", "HELP", "START")
    }
    rt.store.dispose()
    return texts


def fallback_twiml(settings: Settings, *, aloud: bool) -> str:
    """Safe TwiML for a text or a call, to be hosted where our own failure cannot reach it."""
    protocol = load_protocol(settings.config_dir)
    packs = protocol.countries
    country = packs.get(settings.country) or packs[protocol.fallback_country]
    put = messages.spoken if aloud else messages.render
    words = put(
        protocol,
        "SAFE",
        language="en",
        country=country,
        staffed=False,
        values={"ORG": settings.org},
    )
    return twiml.voice((Say(words), HangUp())) if aloud else twiml.texts((words,))
