"""Facts: what was found, by name, and whether a single row found it."""

from collections.abc import Iterable

from helpline.domain.risk.hits import Hit
from helpline.domain.risk.model import ASK
from helpline.domain.risk.names import HOT


def said_by(hit: Hit) -> int:
    """The names of a hit; those of its family only when it is grave and nothing lowered it."""
    if hit.level >= ASK and not hit.lowered:
        return hit.says | hit.rule.says_gravely
    return hit.says


class Facts:
    """The names of everything that was found; names are bits (see `names`)."""

    __slots__ = ("_of_row", "_of_several", "known")

    def __init__(self, hits: Iterable[Hit], hot: bool) -> None:
        self.known = self._of_several = HOT if hot else 0
        self._of_row: dict[int, int] = {}
        self.learn(hits)

    def learn(self, hits: Iterable[Hit]) -> None:
        """Add what these hits say."""
        of_row = self._of_row
        for hit in hits:
            says, rank = said_by(hit), hit.rule.rank
            own = of_row.get(rank, 0)
            self._of_several |= self.known & says & ~own
            self.known |= says
            of_row[rank] = own | says

    def by_another(self, hit: Hit, wanted: int) -> bool:
        """Was any of these found by another row?"""
        if not self.known & wanted:
            return False
        own = self._of_row.get(hit.rule.rank, 0)
        return bool(wanted & (self._of_several | self.known & ~own))
