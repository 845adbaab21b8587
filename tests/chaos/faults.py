"""What breaks: the carrier's luck, and processes killed alone and in pairs."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

from tests.chaos.wire import Wire

UNLUCKY: tuple[dict[str, object], ...] = (
    {"kind": "webhook.duplicate", "probability": 0.1, "copies": 2},
    {"kind": "webhook.delay", "probability": 0.1, "seconds": 1.5},
    {"kind": "webhook.reorder", "probability": 0.1, "hold": 3, "seconds": 1.5},
    # One request in five to the carrier's API fails.
    {"kind": "rest.500", "probability": 0.07},
    {"kind": "rest.429", "probability": 0.06, "retry_after": 1},
    {"kind": "rest.refuse", "probability": 0.03},
    {"kind": "rest.timeout_before", "probability": 0.02, "seconds": 5},
    {"kind": "rest.timeout_after", "probability": 0.02, "seconds": 5},
)


def begin(wire: Wire) -> None:
    """From now on the carrier is unlucky."""
    for fault in UNLUCKY:
        if wire.ask("POST", "/control/faults", dict(fault)) is None:
            raise RuntimeError(f"the simulator knows no such fault: {fault}")


def end(wire: Wire) -> None:
    """From now on it is not."""
    wire.ask("DELETE", "/control/faults")


def kill(
    victims: Mapping[str, Callable[[], object]],
    random: Random,
    over: threading.Event,
    pause: tuple[float, float],
    killed: list[tuple[str, ...]],
) -> None:
    """Kill every victim once in a random order, then one or two at a time, until it is over."""
    names = list(victims)
    alone = random.sample(names, len(names))
    while not over.wait(random.uniform(*pause)):
        pair = random.sample(names, 2 if random.random() < 0.5 else 1)
        chosen = (alone.pop(),) if alone else tuple(pair)
        for name in chosen:
            # It may be between two lives just now.
            with suppress(AssertionError, ProcessLookupError, OSError):
                victims[name]()
        killed.append(chosen)
