"""One line per measured thing: its value, the bound it must keep, and whether it does."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Result:
    """A measured value. `bound` None: informational. `side` says which way the bound lies."""

    name: str
    value: float
    unit: str = ""
    bound: float | None = None
    side: Literal["at most", "at least"] = "at most"

    @property
    def broken(self) -> bool:
        """Outside its bound; a value that is not a number keeps no bound."""
        if self.bound is None:
            return False
        if math.isnan(self.value):
            return True
        return self.value > self.bound if self.side == "at most" else self.value < self.bound

    @property
    def verdict(self) -> str:
        """What the table says of it."""
        if self.bound is None:
            return "-"
        return "BROKEN" if self.broken else "ok"

    def line(self) -> str:
        """A row of the table."""
        limit = "" if self.bound is None else f"{self.side} {self.bound:g}"
        row = f"{self.name:<58} {self.value:>12,.2f} {self.unit:<8} {limit:<15} {self.verdict}"
        return row.rstrip()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank); nan of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def ratio(one: float, other: float) -> float:
    """How many times `other`; nan when there is nothing to compare with."""
    return one / other if other else math.nan


def write(path: Path, results: Iterable[Result], notes: dict[str, object]) -> None:
    """Every result with its verdict, and what it was measured on, as JSON.

    A value that is not a number becomes null: JSON knows no NaN.
    """
    rows = [
        asdict(result)
        | {"value": None if math.isnan(result.value) else result.value, "ok": not result.broken}
        for result in results
    ]
    path.write_text(json.dumps({"notes": notes, "results": rows}, indent=2, allow_nan=False) + "\n")
