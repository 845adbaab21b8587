"""Which of a caller's numbers is rung next (CONTRACT 3: a second number, once)."""

from dataclasses import dataclass

from helpline.domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one caller.

    `first` is the one they write or ring from, None when it is hidden from us; `second` the
    one they gave beside it. `chosen`: they asked to be rung there and not on the first.
    `tried`: it was dialled. `theirs`: somebody pressed a key there. `first_may_ring` is False
    where somebody near must not know, and they asked for the other.
    """

    first: PhoneNumber | None
    second: PhoneNumber | None = None
    chosen: bool = False
    tried: bool = False
    theirs: bool = False
    first_may_ring: bool = True

    @property
    def in_reserve(self) -> bool:
        """Is there a second number to try after the first one's attempts?"""
        given = self.first is not None and self.second is not None and not self.chosen
        return given and (self.theirs or not self.tried)


def attempts_of(numbers: Numbers, retries: int) -> int:
    """How many attempts a ladder of so many retries has with these numbers."""
    return 1 + retries + (1 if numbers.in_reserve else 0)


def find_next(numbers: Numbers, *, tries: int, retries: int, endless: bool) -> PhoneNumber | None:
    """The number to ring after so many attempts; None when none may be rung any more.

    One that is only written down is rung once, as the caller chose: at once, or after the
    first number's attempts. An `endless` ladder (danger) never ends on that account, and has
    no last attempt: there the reserve is the second one.
    """
    if numbers.second is None:
        return numbers.first
    if numbers.first is None:
        return numbers.second
    if numbers.chosen:
        if numbers.theirs or not numbers.tried:
            return numbers.second
        if numbers.first_may_ring:
            return numbers.first
        return numbers.second if endless else None
    reserve_turn = 1 if endless else 1 + retries
    if numbers.in_reserve and tries == reserve_turn:
        return numbers.second
    return numbers.first
