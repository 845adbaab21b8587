"""What a simulator needs to know before it starts. Nothing here reads the environment."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_STOP_TEXT = (
    "You are unsubscribed from this number and will get no more texts. Reply START to undo."
)
DEFAULT_START_TEXT = (
    "You are subscribed again to texts from this number. Reply HELP for help, STOP to end."
)
DEFAULT_HELP_TEXT = (
    "This number is run by a helpline. Reply STOP to end. Message and data rates may apply."
)


@dataclass(frozen=True)
class SimulatorSettings:
    """Everything one simulated carrier account is made of.

    `webhook_base_url` is where requests are really sent. `public_base_url` is what the carrier
    believes the application is called: it is what gets signed. Both may be the same.
    Durations are seconds of simulated time; they pass `time_scale` times faster on the wall clock.
    """

    account_sid: str
    auth_token: str
    webhook_base_url: str
    numbers: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 0
    public_base_url: str = ""
    messaging_service_sid: str = ""

    sms_path: str = "/twilio/sms"
    voice_path: str = "/twilio/voice"
    voice_status_path: str = "/twilio/voice/status"
    voice_fallback_path: str = "/twilio/fallback"
    sms_fallback_path: str = ""

    advanced_opt_out: bool = True
    stop_text: str = DEFAULT_STOP_TEXT
    start_text: str = DEFAULT_START_TEXT
    help_text: str = DEFAULT_HELP_TEXT

    time_scale: float = 1.0
    speech_rate: float = 15.0
    """Characters a synthetic voice speaks per simulated second; 0 speaks in no time."""
    speech_pause: float = 0.1
    """Without another word for so long, `speechTimeout="auto"` takes a sentence for finished.

    A real recogniser needs about a second; short here, so that times measure the application.
    """
    delivery_delay: float = 0.3
    """Between a message being accepted and the handset having it."""
    dial_delay: float = 0.5
    """Between a call being accepted and the handset ringing."""
    default_mode: str = "manual"
    """What a telephone nobody described does when it rings."""
    conference_dial_status: str = "completed"
    """`DialCallStatus` after a conference; applications should also accept `answered`."""
    calls_per_second: float = 0.0
    """Pace at which the account may start calls through REST; 0 means no limit."""
    webhook_timeout: float = 15.0
    """Wall-clock seconds, not scaled (Twilio error 11205: fifteen seconds in all)."""
    allowed_hosts: tuple[str, ...] = ()
    """Further `host[:port]` that webhooks may be sent to, besides the two bases and loopback."""
    fault_seed: int | None = None
    """Makes the luck of faults with a probability repeatable; None leaves it to chance."""
    clock_offset_file: str = ""
    """Seconds that the calendar is ahead, read again each time: hours can pass in a test."""
    log_path: str = ""
    """When set, every event is also appended to this file, one JSON object a line."""
    phones: tuple[tuple[str, str], ...] = (
        ("+12025550123", "Texter"),
        ("+12025550145", "Caller"),
        ("+12025550111", "Specialist one"),
        ("+12025550112", "Specialist two"),
    )
    """Telephones that exist from the start: number and label."""

    def __post_init__(self) -> None:
        problems = []
        if not self.account_sid or not self.auth_token:
            problems.append("account_sid and auth_token must not be empty")
        if not self.numbers:
            problems.append("numbers needs at least one E.164 number")
        if not self.webhook_base_url.startswith(("http://", "https://")):
            problems.append("webhook_base_url must be an http(s) URL")
        if self.time_scale <= 0:
            problems.append("time_scale must be above 0")
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def signed_base_url(self) -> str:
        """The base that signatures are computed over, without a trailing slash."""
        return (self.public_base_url or self.webhook_base_url).rstrip("/")
