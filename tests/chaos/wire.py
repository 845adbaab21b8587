"""Asking the simulator over HTTP: one kept connection for each thread that asks."""

import http.client
import json
import threading
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]


class Wire:
    """The simulator's control routes and telephones."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = threading.local()

    def ask(self, method: str, path: str, body: Json | None = None) -> Any:
        """The JSON that is answered; None when the simulator refuses (a phone is in use)."""
        talk = self._connection()
        headers = {"Content-Type": "application/json"}
        try:
            talk.request(method, path, None if body is None else json.dumps(body), headers)
            answer = talk.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            talk.close()
            raise
        if answer.status >= 500:
            raise RuntimeError(f"the simulator fails: {said[:300]!r}")
        return json.loads(said) if answer.status == 200 else None

    def act(self, number: str, act: str, **body: Any) -> Any:
        """What the owner of a telephone does with it."""
        return self.ask("POST", f"/phones/{quote(number)}/{act}", body)

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "talk"):
            self._local.talk = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        talk: http.client.HTTPConnection = self._local.talk
        return talk
