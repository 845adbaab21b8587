"""What is said, kept and paged without the database (CONTRACT 6): one text, one call at a time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from helpline.domain.commands import TakePage, parse_command
from helpline.domain.disposition import Disposition
from helpline.domain.effects import OptIn, OptOut, PageStaff
from helpline.domain.outage import DirectPage, Kind, OnCall, Spooled
from helpline.domain.phone import find_phone
from helpline.domain.progress import Progress
from helpline.domain.risk import Assessment, Level, assess
from helpline.domain.said import Words
from helpline.domain.speech import CallStep, HangUp, Join, Say
from helpline.runtime import Runtime, SpoolBroken
from helpline.service import intake, steps, wording
from helpline.service.intake import Answer, IncomingText
from helpline.service.outage import direct
from helpline.service.steps import Decision
from helpline.store import within
from helpline.store.conversations import Place

DOUBT = timedelta(minutes=2)
"""Doubt that nobody can ask about is paged after so long (CONTRACT 3, ASK)."""


class StandIn:
    """Answers in the database's place. `submit` starts what must not hold up the answer."""

    def __init__(self, rt: Runtime, submit: Callable[..., Any]) -> None:
        self._rt = rt
        self._submit = submit

    def text(self, text: IncomingText) -> Answer:
        """Keep a text, page what is dangerous in it, and say what to answer.

        Raises:
            SpoolBroken: it could not be kept; danger is paged once nevertheless.
        """
        with within(0):
            now = self._rt.clock.now()
            sender = find_phone(text.sender)
            person = direct.find_staff(self._rt, sender)
            heard = assess(text.body, self._rt.protocol.lexicon)
            if person is not None and heard.level < Level.CRISIS:
                return self._for_staff(text, person)
            return self._for_caller(text, heard, now)

    def _for_staff(self, text: IncomingText, person: OnCall) -> Answer:
        """OK is obeyed at once; everything else when the database is back."""
        rt = self._rt
        if text.answered is not None:
            said: tuple[str, ...] = ()
            taken = None
        elif isinstance(parse_command(text.body), TakePage):
            taken = direct.take_most_urgent(rt, person.staff_id)
            said = (wording.to_staff(rt, "PAGE_HELD_AWAY" if taken else "STAFF_KEPT"),)
        else:
            taken = None
            said = (wording.to_staff(rt, "STAFF_KEPT"),)
        kind = Kind.OBEYED if taken else Kind.TEXT
        key = taken.key if taken else None
        rt.spool.append(_record(text, kind, said, key, rt.clock.now()).to_json())
        return Answer(said, repeated=False, level=Level.NONE.name)

    def _for_caller(self, text: IncomingText, heard: Assessment, now: datetime) -> Answer:
        rt = self._rt
        place = _stranger(text, staffed=any(p.available for p in direct.list_on_call(rt)))
        progress = Progress(country=wording.country_code(rt, place.phone))
        words = Words(text.body, text.answered, text.whatsapp, text.media)
        decision = steps.decide(rt, place, progress, words, heard, now)
        said = self._safe_words(place, text, decision, heard)
        page = _page(rt, place, decision, heard, now)
        try:
            if page is not None:
                page = direct.open_page(rt, page)
            key = page.key if page else None
            rt.spool.append(_record(text, Kind.TEXT, said, key, now).to_json())
        except SpoolBroken:
            if page is not None and page.next_at <= now:
                self._submit(direct.page_unkept, rt, page)
            raise
        if page is not None and page.next_at <= now:
            self._submit(direct.climb_one, rt, page.key)
        return Answer(said, repeated=False, level=heard.level.name)

    def _safe_words(
        self, place: Place, text: IncomingText, decision: Decision, heard: Assessment
    ) -> tuple[str, ...]:
        """What the engine says to danger and doubt and to STOP; else that it was kept."""
        settled = any(isinstance(effect, PageStaff | OptOut | OptIn) for effect in decision.effects)
        if settled or heard.level >= Level.ASK:
            return decision.texts
        if text.answered is not None and not decision.texts:
            return ()  # the carrier has said all there is to say
        rt = self._rt
        # Their language is in the database: the safe words are said in each that is written.
        spoken = [code for code, known in rt.protocol.messages.items() if "KEPT" in known]
        return tuple(
            wording.to_caller(
                rt, "KEPT", replace(decision.step.progress, language=language),
                staffed=place.staffed, line=place.line,
            )
            for language in sorted(spoken, key=lambda code: (code != "en", code))
        )  # fmt: skip

    def call(self, sid: str, sender: str, recipient: str) -> tuple[CallStep, ...]:
        """The numbers, then everybody on call is rung while the caller holds (CONTRACT 6).

        Raises:
            SpoolBroken: it could not be kept.
        """
        rt = self._rt
        now = rt.clock.now()
        phone = find_phone(sender)
        address = phone.e164 if phone else "unknown"
        country = wording.country_code(rt, phone) if phone else rt.line.country
        progress = Progress(country=country)
        line = recipient.strip()[:32] or "unknown"
        nobody = not direct.list_on_call(rt)
        page = DirectPage(
            key=direct.key_of(rt, sid, line),
            kind=Disposition.CRISIS_LIVE,
            reason="rings, database away",
            ring_caller=True,
            caller=address,
            line=line,
            whatsapp=False,
            language=progress.language,
            country=progress.country,
            opened_at=now,
            next_at=now,
            conference=f"direct-{direct.key_of(rt, sid, line)}",
        )
        if not nobody:
            direct.open_page(rt, page)
            self._submit(direct.climb_one, rt, page.key)
        key = None if nobody else page.key
        record = Spooled(Kind.CALL, sid, sender, recipient, page=key, came_at=now)
        rt.spool.append(record.to_json())
        words = "SAFE" if nobody else "AWAY_CALL"
        numbers = Say(wording.aloud(rt, words, progress, staffed=not nobody, line=line))
        if nobody:
            return (numbers, HangUp())
        assert page.conference is not None  # noqa: S101 - set above
        after = f"{direct.ENTRANCE}/left?attempt={page.key}"
        return (numbers, Join(page.conference, after, end_on_exit=True), HangUp())


def _record(
    text: IncomingText, kind: Kind, said: tuple[str, ...], page: str | None, now: datetime
) -> Spooled:
    return Spooled(
        kind=kind,
        sid=text.sid,
        sender=text.sender,
        recipient=text.recipient,
        body=text.body,
        media=text.media,
        answered=text.answered.value if text.answered else None,
        whatsapp=text.whatsapp,
        said=said,
        page=page,
        came_at=now,
    )


def _stranger(text: IncomingText, *, staffed: bool) -> Place:
    """Nothing is known of anybody while the database is away."""
    address, line = intake.who(text)
    return Place(
        conversation_id=0,
        caller_id=0,
        line=line,
        whatsapp=text.whatsapp,
        progress="",
        opted_out=False,
        case_id=None,
        holder_id=None,
        staffed=staffed,
        is_staff=False,
        promised=False,
        version=0,
        textless=False,
        blocked=False,
        address=address,
    )


def _page(
    rt: Runtime, place: Place, decision: Decision, heard: Assessment, now: datetime
) -> DirectPage | None:
    """What the engine wants paged; doubt is paged later, because nobody can ask meanwhile."""
    wanted = [effect for effect in decision.effects if isinstance(effect, PageStaff)]
    if not wanted and heard.level is not Level.ASK:
        return None
    after = timedelta(0) if wanted else DOUBT
    paged = wanted[0] if wanted else PageStaff(Disposition.CRISIS_LIVE, "doubt, database away")
    return DirectPage(
        key=direct.key_of(rt, place.address, place.line),
        kind=paged.kind,
        reason=paged.reason,
        ring_caller=paged.ring_caller,
        caller=place.address,
        line=place.line,
        whatsapp=place.whatsapp,
        language=decision.step.progress.language,
        country=decision.step.progress.country,
        opened_at=now + after,
        next_at=now + after,
    )
