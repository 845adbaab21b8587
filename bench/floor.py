"""The floor: what a durable webhook costs when nothing is understood.

The carrier's signature is checked with its own `RequestValidator`, one inbound and one
outbox row are committed with the bare driver, and fixed TwiML is answered. Whatever our
own view costs beyond this is the price of the line.
"""

import sqlite3
import threading
from collections.abc import Callable

import psycopg
from flask import Flask, Response, request
from twilio.request_validator import RequestValidator

from config.settings import Settings, load_settings

TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Message>Helpline: automated helpline. '
    "Life at risk? Call 911. In crisis? 988. Who is this about? 1 Me 2 Someone I know "
    "3 My prescribed ketamine. 0 Person</Message></Response>"
)
_INBOUND = (
    "CREATE TABLE IF NOT EXISTS inbound (id {id}, sid TEXT NOT NULL UNIQUE,"
    " sender TEXT NOT NULL, body TEXT NOT NULL, created_at {now})"
)
_OUTBOX = (
    "CREATE TABLE IF NOT EXISTS outbox (id {id}, inbound_id BIGINT NOT NULL,"
    " kind TEXT NOT NULL, state TEXT NOT NULL, created_at {now})"
)
_TABLES = (_INBOUND, _OUTBOX)
_POSTGRES = {
    "id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "now": "TIMESTAMPTZ NOT NULL DEFAULT now()",
}
_SQLITE = {
    "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "now": "TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP",
}
Keep = Callable[[str, str, str], None]


def create_app() -> Flask:
    """The floor for the database of the environment; tables are made by `prepare`."""
    settings = load_settings()
    validator = RequestValidator(settings.twilio_auth_token.get_secret_value())
    keep = _keep_sqlite(settings) if settings.uses_sqlite else _keep_postgres(settings)
    app = Flask("floor", static_folder=None)

    @app.post("/twilio/sms")
    def inbound() -> Response:
        signature = request.headers.get("X-Twilio-Signature", "")
        address = settings.public_base_url + request.path
        if not validator.validate(address, request.form, signature):
            return Response("not signed by the carrier\n", 403)
        keep(request.form["MessageSid"], request.form["From"], request.form["Body"])
        return Response(TWIML, content_type="text/xml; charset=utf-8")

    @app.post("/static")
    def static() -> Response:
        return Response(TWIML, content_type="text/xml; charset=utf-8")

    @app.get("/live")
    def live() -> Response:
        return Response("yes\n")

    return app


def prepare(settings: Settings) -> None:
    """Make the two tables."""
    if settings.uses_sqlite:
        connection = _open_sqlite(settings)
        connection.execute("PRAGMA journal_mode=WAL")
        for table in _TABLES:
            connection.execute(table.format(**_SQLITE))
        connection.close()
        return
    with psycopg.connect(_postgres_url(settings)) as postgres:
        for table in _TABLES:
            postgres.execute(table.format(**_POSTGRES).encode())


def _keep_postgres(settings: Settings) -> Keep:
    local = threading.local()

    def keep(sid: str, sender: str, body: str) -> None:
        connection = getattr(local, "connection", None)
        if connection is None:
            connection = local.connection = psycopg.connect(
                _postgres_url(settings), options="-c synchronous_commit=on"
            )
        with connection.transaction():
            row = connection.execute(
                "INSERT INTO inbound (sid, sender, body) VALUES (%s, %s, %s) RETURNING id",
                (sid, sender, body),
            ).fetchone()
            connection.execute(
                "INSERT INTO outbox (inbound_id, kind, state) VALUES (%s, 'text', 'new')", row
            )

    return keep


def _keep_sqlite(settings: Settings) -> Keep:
    local = threading.local()

    def keep(sid: str, sender: str, body: str) -> None:
        connection = getattr(local, "connection", None)
        if connection is None:
            connection = local.connection = _open_sqlite(settings)
        connection.execute("BEGIN IMMEDIATE")
        try:
            row = connection.execute(
                "INSERT INTO inbound (sid, sender, body) VALUES (?, ?, ?) RETURNING id",
                (sid, sender, body),
            ).fetchone()
            connection.execute(
                "INSERT INTO outbox (inbound_id, kind, state) VALUES (?, 'text', 'new')", row
            )
        except sqlite3.Error:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    return keep


def _postgres_url(settings: Settings) -> str:
    return settings.database_url.replace("+psycopg", "", 1)


def _open_sqlite(settings: Settings) -> sqlite3.Connection:
    path = settings.database_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    return connection
