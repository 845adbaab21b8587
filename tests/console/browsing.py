"""Somebody of the staff at a browser without scripts: opens pages, sends their forms."""

import re
from html import unescape
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from helpline.service.console import Person, passwords
from helpline.store import accounts, people
from helpline.store.accounts import Stage
from tests.builders import Scene

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """One person of this role, signed in."""

    def __init__(self, scene: Scene, app: Flask, role: str, *, name: str = "") -> None:
        self.scene = scene
        self.app = app
        self.client = app.test_client()
        self.staff = scene.staff(name or role.title(), role=role)
        self.token = ""
        self.comes_back()

    def comes_back(self) -> None:
        """Signed in anew."""
        self.token = passwords.new_token()
        with self.scene.store.begin() as tx:
            accounts.open_session(
                tx, staff_id=self.staff.id, token=self.token, stage=Stage.OPEN, now=self.scene.now
            )
        with self.client.session_transaction() as cookie:
            cookie["token"] = self.token

    @property
    def person(self) -> Person:
        """Who it is, as the database has it now."""
        with self.scene.store.read() as tx:
            return people.get(tx, self.staff.id)

    def get(self, path: str, **more: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **more)

    def reads(self, path: str) -> str:
        """The words of a page that must open."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.status_code
        return plain(answer.text)

    def post(self, path: str, **form: Any) -> TestResponse:
        """Send a form of ours."""
        page = _TOKEN.search(self.client.get("/").text)
        given = {"csrf_token": page[1]} if page else {}
        return self.client.post(path, data=given | form)

    def does(self, path: str, **form: Any) -> str:
        """Send a form, and read what the next page says of it."""
        answer = self.post(path, **form)
        assert answer.status_code == 302, (answer.status_code, plain(answer.text))
        return told(self.client.get(answer.headers["Location"]).text)


def plain(page: str) -> str:
    """The words of a page without its marks."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def told(page: str) -> str:
    """What the page says came of the last act."""
    part = page.partition('id="told">')[2].partition("</div>")[0]
    return plain(part).strip()
