"""The outside watch: somebody else raises the alarm when this line falls silent.

A machine that is gone cannot say so. The guard calls an address of an outside watch every
minute, and only while nothing puts the line at risk; the watch alarms when the calls stop.
"""

import urllib.request

import structlog

from helpline.runtime import Runtime
from helpline.service.upkeep import health

EVERY_SECONDS = 60.0
TIMEOUT_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class DeadMan:
    """A duty of the guard: say that all is well, or say nothing."""

    def __init__(self, url: str) -> None:
        """`url` is what the watch gave us; anybody who knows it could keep it quiet."""
        self._url = url
        self._opener = urllib.request.build_opener()

    def __call__(self, rt: Runtime) -> None:
        """One call, or none while something puts the line at risk.

        A watch that cannot be reached is logged and called again in a minute: it alarms.
        """
        risks = health.list_risks(rt)
        if risks:
            _log.warning("deadman.withheld", count=len(risks))
            return
        try:
            self._opener.open(self._url, timeout=TIMEOUT_SECONDS).close()
        except OSError as error:
            _log.warning("deadman.unreachable", error=type(error).__name__)
