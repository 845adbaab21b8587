"""What Prometheus may know: counts and seconds, never who.

Only web processes count, and gunicorn runs several, so their counts live in files that
all of them write: ``config/gunicorn.py`` names the folder (``PROMETHEUS_MULTIPROC_DIR``)
before prometheus-client is imported, empties it at every start, and has the files of a
process that ended added up (`helpline.metrics_files`). Without a folder each process answers
for itself.

Everything else is read from the database, Redis and the spool when asked
(`helpline.service.upkeep.figures`): every process reads the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from helpline import metrics_files
from helpline.runtime import Bell
from helpline.service.upkeep.figures import Figure

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Reading = Callable[[], Iterable[Figure]]

_WEBHOOK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)


class Metrics:
    """Every counter and histogram of a web process, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.webhook_seconds = Histogram(
            "helpline_webhook_seconds",
            "Time to answer a webhook",
            ("route",),
            buckets=_WEBHOOK_SECONDS,
            registry=self.registry,
        )
        self.webhooks = self._count("webhooks", "Webhooks answered", "route", "status")
        self.signature_failures = self._count("signature_failures", "Webhooks not genuine")
        self.duplicates = self._count("duplicates", "Webhooks that had been seen before")
        self.texts_in = self._count("texts_in", "Texts received")
        self.danger_found = self._count("danger_found", "Messages that mean danger", "level")
        self.hints = self._count("hints", "Rings of a web process", "rung")

    def _count(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"helpline_{name}", meaning, labels, registry=self.registry)


@cache
def metrics() -> Metrics:
    """This process's metrics; made on first use, so that importing makes no files."""
    return Metrics()


class CountedBell:
    """The bell of a web process: it counts the hints that worked and those that did not."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell

    def hint(self, queue: str, outbox_id: int) -> bool:
        """As the bell beneath."""
        rung = self._bell.hint(queue, outbox_id)
        metrics().hints.labels("yes" if rung else "no").inc()
        return rung

    def ring(self, queue: str, outbox_ids: tuple[int, ...]) -> int:
        """As the bell beneath."""
        return self._bell.ring(queue, outbox_ids)

    def waiting(self, queue: str) -> int:
        """As the bell beneath."""
        return self._bell.waiting(queue)


class _Counted(Collector):
    """What all web processes have counted, those that are gone too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        with metrics_files.steady(self._folder):
            found = list(MultiProcessCollector(None, path=str(self._folder)).collect())
        yield from found


class _Read(Collector):
    """Figures read when asked. A reading that fails is left out and shown as such."""

    def __init__(self, readings: Mapping[str, Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        failed = GaugeMetricFamily(
            "helpline_reading_failed", "1 when a reading failed", labels=("reading",)
        )
        for name, read in self._readings.items():
            try:
                found = list(read())
                failed.add_metric((name,), 0)
            except Exception as error:  # noqa: BLE001 - a dead database must not hide the rest
                structlog.get_logger(__name__).warning("reading.failed", error=type(error).__name__)
                failed.add_metric((name,), 1)
                continue
            for figure in found:
                yield _family(figure)
        yield failed


def _family(figure: Figure) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"helpline_{figure.name}", figure.meaning, labels=figure.labels)
    for labels, value in figure.values.items():
        family.add_metric(labels, value)
    return family


def exposition(
    readings: Mapping[str, Reading] | None = None, multiprocess_dir: str | None = None
) -> bytes:
    """The answer of ``/metrics``.

    Args:
        readings: figures by where they are read; one that fails hides no other.
        multiprocess_dir: the value of ``PROMETHEUS_MULTIPROC_DIR``, None for one process.
    """
    registry = CollectorRegistry()
    if multiprocess_dir:
        registry.register(_Counted(Path(multiprocess_dir)))
    else:
        registry.register(metrics().registry)
    if readings:
        registry.register(_Read(readings))
    return generate_latest(registry)
