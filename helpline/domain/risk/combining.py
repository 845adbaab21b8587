"""Combining: several findings that mean more together."""

from helpline.domain.risk.facts import said_by
from helpline.domain.risk.hits import Findings, Hit
from helpline.domain.risk.lexicon import Lexicon, Rule
from helpline.domain.risk.names import HOT
from helpline.domain.risk.placing import Placing


def combine(lexicon: Lexicon, findings: Findings, placing: Placing, hot: bool) -> None:
    """Add what the combinations make of the hits; a later row sees the earlier ones."""
    hits = findings.hits
    for hit in hits:
        if hit.rule.combines or hit.tags is not hit.rule.tags:
            break
    else:
        return
    known = HOT if hot else 0
    for hit in hits:
        known |= said_by(hit)
    for rule in lexicon.combinations:
        if known & rule.opening and _complete(rule, known, hits):
            sources = [hit for hit in hits if _serves(hit, rule.wanted)]
            if sources:
                made = _made(rule, max(sources, key=_most_serious), placing)
                hits.append(made)
                known |= said_by(made)


def _complete(rule: Rule, known: int, hits: list[Hit]) -> bool:
    """Is one of each group there, and are there enough different rows?"""
    for names in rule.all_of:
        if not known & names:
            return False
    entry = rule.entry
    if not entry.rows_of:
        return True
    rows = {hit.rule.rank for hit in hits if hit.rule.category == entry.rows_of}
    return len(rows) >= entry.at_least


def _serves(hit: Hit, wanted: int) -> bool:
    return bool(wanted & (hit.rule.says | hit.rule.says_gravely))


def _most_serious(hit: Hit) -> tuple[int, int]:
    return hit.level, -hit.first


def _made(rule: Rule, anchor: Hit, placing: Placing) -> Hit:
    made = Hit(rule, anchor.first, anchor.last)
    made.who = placing.who(anchor)
    return made
