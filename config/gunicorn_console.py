"""How the staff pages are served: `gunicorn -c config/gunicorn_console.py
'helpline.web.console.wsgi:create_app()'`.

One process with many threads, because a page that is open live holds one while it waits, and
one look at the database serves them all (`helpline.service.console.changes`). It is a process
of its own, so that no stream ever stands in front of a text (DESIGN 6).
"""

from typing import Any

from config.settings import Settings, SettingsError, load_settings


def server_options(settings: Settings) -> dict[str, Any]:
    """Gunicorn's settings by name."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.console_port}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": settings.console_threads,
        "worker_connections": 2 * settings.console_threads,
        "backlog": 128,
        "keepalive": 5,
        "timeout": 60,
        # A stream never ends by itself; its page finds the new process in two seconds.
        "graceful_timeout": 3,
        "preload_app": False,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": settings.log_level.lower(),
        "control_socket_disable": True,
        "proc_name": "helpline-console",
    }


if __name__ == "__config__":
    try:
        globals().update(server_options(load_settings()))
    except SettingsError as error:
        raise SystemExit(str(error)) from None
