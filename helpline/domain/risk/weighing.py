"""Weighing: what idioms silence, what the rows need, what raises and what lowers a hit."""

from helpline.domain.risk.facts import Facts
from helpline.domain.risk.hits import Findings, Hit, around, first_word
from helpline.domain.risk.lexicon import CONDITIONAL, COVERS
from helpline.domain.risk.model import ASK, CRISIS, EMERGENCY, WATCH
from helpline.domain.risk.names import FIRST_PERSON, HISTORY, PERSON
from helpline.domain.risk.placing import Placing
from helpline.domain.risk.text import Text

PRESENT_VERBS = frozenset({"want", "need", "going", "am", "feel", "wish", "will", "quiero", "voy"})
OLD_TIME_REACH = 8


def drop_idioms(findings: Findings, hot: bool) -> None:
    """An idiom silences its own words, and nothing when there is other danger."""
    if not findings.masks:
        return
    findings.masks.sort(key=first_word)
    free = [hit for hit in findings.hits if not _masked(hit, findings.masks)]
    if hot or any(hit.level >= ASK and hit.rule.blocks_masks for hit in free):
        findings.masks = []
    else:
        findings.hits = free


def _masked(hit: Hit, masks: list[Hit]) -> bool:
    for mask in around(masks, hit):
        whole = mask.first <= hit.first and hit.last <= mask.last
        if whole and (mask.rule.entry.covers or hit.level < EMERGENCY):
            return True
        if hit.level < EMERGENCY and mask.first < hit.last <= mask.last:
            return True
    return False


def weigh(text: Text, findings: Findings, placing: Placing, hot: bool) -> None:
    """Conditions of the rows first, then what raises and what lowers."""
    if findings.traits & COVERS:
        _drop_covered(findings)
    facts: Facts | None = None
    if findings.traits & CONDITIONAL:
        facts = _keep_needed(findings, placing, hot)
    for hit in findings.hits:
        rule = hit.rule
        if facts is not None and rule.raise_with:
            _raise(hit, facts, placing)
        if rule.lone is not None and _alone(hit, text):
            hit.level = max(hit.level, rule.lone)
        if not hit.level or not findings.remarks:
            continue
        if hit.level == EMERGENCY:
            _lower_emergency(hit, placing)
        elif hit.level == CRISIS or rule.lowerable:
            _lower(hit, placing)


def _drop_covered(findings: Findings) -> None:
    """Inside a wider row that says what these words mean here, others count no more."""
    covers = [hit for hit in findings.hits if hit.rule.traits & COVERS]
    covers.sort(key=first_word)
    findings.hits = [hit for hit in findings.hits if not _covered(hit, covers)]


def _covered(hit: Hit, covers: list[Hit]) -> bool:
    return hit.level < EMERGENCY and any(
        cover.rule.rank != hit.rule.rank and cover.first <= hit.first and hit.last <= cover.last
        for cover in around(covers, hit)
    )


def _keep_needed(findings: Findings, placing: Placing, hot: bool) -> Facts:
    """Drop rows whose company is missing; the facts that decided it."""
    facts = Facts([hit for hit in findings.hits if not hit.rule.needs], hot)
    kept: list[Hit] = []
    late: list[Hit] = []
    for hit in findings.hits:
        needs = hit.rule.needs
        if not needs:
            kept.append(hit)
        elif _meets(hit, needs, facts, placing):
            kept.append(hit)
            late.append(hit)
    findings.hits = kept
    facts.learn(late)
    return facts


def _meets(hit: Hit, wanted: int, facts: Facts, placing: Placing) -> bool:
    if facts.by_another(hit, wanted):
        return True
    if wanted & PERSON and placing.who(hit) != "nobody":
        return True
    return bool(wanted & FIRST_PERSON) and placing.who(hit) == "self"


def _raise(hit: Hit, facts: Facts, placing: Placing) -> None:
    rule = hit.rule
    if _meets(hit, rule.raise_with, facts, placing):
        hit.level = max(hit.level, rule.raised)
        hit.tags = hit.tags | rule.entry.raise_tags
        hit.says |= rule.says_raised


def _alone(hit: Hit, text: Text) -> bool:
    """Is it all the person says, but for one word or its own repetition?"""
    if hit.last - hit.first >= len(text.words) - 1:
        return True
    return text.different_words <= set(text.words[hit.first : hit.last])


def _lower(hit: Hit, placing: Placing) -> None:
    """Negation, jokes, quotes and old times lower a crisis to a question."""
    remarks = placing.remarks
    if "joke" in remarks or placing.negated(hit) or placing.quoted():
        _ask_at_most(hit)
    if not placing.past:
        return
    if placing.near(hit, "past_old"):
        still = remarks.get("present") or not PRESENT_VERBS.isdisjoint(
            placing.words[hit.first : hit.last]
        )
        _ask_at_most(hit)
        _make_history(hit)
        hit.level = min(hit.level, ASK if still else WATCH)
    elif placing.near(hit, "past_recent") or placing.near(hit, "past_days"):
        _ask_at_most(hit)


def _ask_at_most(hit: Hit) -> None:
    hit.lowered = True
    hit.level = min(hit.level, ASK)


def _make_history(hit: Hit) -> None:
    hit.tags = hit.tags | {"history"}
    hit.says |= HISTORY


def _lower_emergency(hit: Hit, placing: Placing) -> None:
    """An emergency of last week or last year is a question, not an ambulance."""
    if not placing.past or placing.remarks.get("present") or placing.near(hit, "past_day"):
        return
    old = placing.near(hit, "past_old", OLD_TIME_REACH)
    if old or ("ingestion" not in hit.tags and placing.near(hit, "past_recent", OLD_TIME_REACH)):
        _ask_at_most(hit)
        _make_history(hit)
