"""How the web process is served: `gunicorn -c config/gunicorn.py 'helpline.web.wsgi:create_app()'`.

Threads for PostgreSQL, so that a database that hangs holds one thread and not a process, and
twice as many as ever work with it, so that there is one for whoever is answered without it;
single-threaded processes for SQLite, whose one writer sixteen threads only wait for
(RELIABILITY B1). Gunicorn runs this file under the name `__config__`; importing it as a
module does nothing.
"""

import os
from pathlib import Path
from typing import Any

from config.settings import Settings, SettingsError, load_settings


def server_options(settings: Settings) -> dict[str, Any]:
    """Gunicorn's settings by name."""
    threads = 1 if settings.uses_sqlite else 2 * settings.web_threads
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": settings.web_workers,
        "worker_class": "sync" if settings.uses_sqlite else "gthread",
        "threads": threads,
        # Who cannot be answered in time waits outside: the carrier gives up and asks its fallback,
        # and the line does not work through requests that nobody waits for any more. Inside wait
        # as many as are being answered, not a thousand, which stood before every text of danger.
        "backlog": 256,
        "worker_connections": 2 * threads,
        # A connection that waits for another request would take the place of one that has one.
        "keepalive": 0,
        "timeout": 30,
        "graceful_timeout": 20,
        # Against leaks that nobody knows of: none is known, and a new process takes two seconds of
        # a processor from those who answer.
        "max_requests": 50_000,
        "max_requests_jitter": 5000,
        "preload_app": False,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": settings.log_level.lower(),
        "control_socket_disable": True,
        "proc_name": "helpline-web",
    }


def on_starting(_server: Any) -> None:
    """Once, before the first process: what an earlier life counted is thrown away."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()


def child_exit(server: Any, _worker: Any) -> None:
    """A process ended: its counts stay, added to those of the others that are gone."""
    from helpline import metrics_files

    try:
        metrics_files.gather(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
    except OSError as error:
        # A full disk must not end the process that starts the others; the next end tries again.
        server.log.warning("counts were not gathered: %s", type(error).__name__)


if __name__ == "__config__":
    try:
        _settings = load_settings()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    # prometheus-client reads it when it is imported, which happens in the forked processes.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_settings.metrics_dir.resolve())
    globals().update(server_options(_settings))
