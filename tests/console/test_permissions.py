"""Every route, every role, and nobody: who gets in where; forms, cookies and headers."""

import re
from pathlib import Path

import pytest
from flask import Flask

from config.settings import REPOSITORY
from helpline.store import conversations, tables
from tests.builders import Phone, Scene, case_of, place_of
from tests.console.browsing import Browser, told

ROLES = ("nobody", "specialist", "supervisor", "admin")
FIRST_ROLE = {"for_staff": 1, "for_supervisors": 2, "for_admins": 3}


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """(method, path with ids filled in, guard) of every route."""
    found = []
    for rule in app.url_map.iter_rules():
        guard = getattr(app.view_functions[rule.endpoint], "guard", "")
        path = re.sub(r"<int:\w+>", "1", rule.rule).replace("<token>", "x")
        path = path.replace("<path:filename>", "console.css")
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            found.append((method, path, guard))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_every_route_lets_in_its_roles_and_nobody_else(quick: Scene, app: Flask, role: str) -> None:
    with quick.store.begin() as tx:
        case_of(tx, place_of(tx, "+12025557777"))
    app.config["WTF_CSRF_ENABLED"] = False
    browser = None if role == "nobody" else Browser(quick, app, role)
    client = app.test_client() if browser is None else browser.client
    assert len(routes(app)) > 40
    for method, path, guard in routes(app):
        if guard in {"open_to_all", "half_signed_in"} or path == "/live":
            continue
        with client.session_transaction() as cookie:
            if browser is not None:
                cookie["token"] = browser.token
        answer = client.open(path, method=method)
        answer.close()
        where = f"{role} {method} {path}: {answer.status_code}"
        if role == "nobody":
            assert answer.status_code in {302, 401}, where
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith("/signin"), where
        elif ROLES.index(role) < FIRST_ROLE[guard]:
            assert answer.status_code == 403, where
        else:
            assert answer.status_code not in {401, 403, 500}, where
            assert not (answer.headers.get("Location") or "").startswith("/signin"), where


def test_a_live_page_of_nobody_is_told_so(app: Flask) -> None:
    assert app.test_client().get("/live").status_code == 401


def test_a_view_without_a_guard_stays_shut(app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert app.test_client().get("/forgotten").status_code == 403


def test_no_form_is_taken_without_its_token(ana: Browser, app: Flask) -> None:
    for method, path, guard in routes(app):
        if method != "POST":
            continue
        answer = ana.client.post(path, data={"available": "no"})
        assert answer.status_code == 302, path
        assert answer.headers["Location"] == "/", f"{path} ({guard}) took a form of no page of ours"
    assert ana.person.available
    assert "too old" in told(ana.client.get("/").text)


def test_a_token_of_somebody_else_is_none(ana: Browser, sam: Browser) -> None:
    theirs = re.search(r'csrf_token" value="([^"]+)', sam.get("/").text)
    assert theirs
    answer = ana.client.post("/presence", data={"csrf_token": theirs[1], "available": "no"})
    assert answer.headers["Location"] == "/"
    assert ana.person.available


@pytest.mark.parametrize(
    "onward", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\nb", ""]
)
def test_no_way_leads_to_another_site(ana: Browser, onward: str) -> None:
    assert ana.get("/signin", query_string={"next": onward}).headers["Location"] == "/"
    assert ana.post("/language", language="es", next=onward).headers["Location"] == "/"


def test_a_way_of_ours_is_kept(quick: Scene, app: Flask) -> None:
    asked = app.test_client().get("/queue?late=1")
    assert asked.headers["Location"] == "/signin?next=/queue%3Flate%3D1"


def test_every_answer_carries_the_headers(ana: Browser) -> None:
    for path in ("/", "/signin", "/nowhere", "/static/console.css", "/wallboard"):
        answer = ana.get(path)
        answer.close()
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert ana.get("/").headers["Cache-Control"] == "no-store"
    cookie = ana.client.get("/signin").headers.get("Set-Cookie") or ""
    assert not cookie or "HttpOnly" in cookie


def test_no_page_has_a_script_or_a_style_of_its_own() -> None:
    for path in sorted((REPOSITORY / "helpline/web/console/templates").glob("*.html")):
        page = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path.name
        assert not re.search(r"\son\w+=|<style|\sstyle=|javascript:|\|\s*safe", page), path.name
        assert not re.search(r"https?://", page.replace("http://www.w3.org", "")), path.name


def test_our_own_script_and_style_stay_small() -> None:
    folder = REPOSITORY / "helpline/web/console/static"
    scripts = sum(len(path.read_text().splitlines()) for path in folder.glob("*.js"))
    assert scripts < 400
    assert {path.suffix for path in Path(folder).iterdir()} == {".js", ".css", ".svg"}


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def test_nothing_that_a_caller_says_becomes_part_of_a_page(ana: Browser, sam: Browser) -> None:
    quick = ana.scene
    caller = quick.phone()
    caller.texts(f"i want to die {HOSTILE}")
    caller.unread_answers = False
    fill(quick, caller)
    case = quick.rows(tables.case)[0]
    for browser in (ana, sam):
        for path in ("/", "/queue", f"/cases/{case['id']}", "/wallboard", "/blocked", "/reports"):
            page = browser.get(path).text
            assert "<script>alert" not in page, path
            assert "<img src=x" not in page, path
            assert "49" not in re.findall(r"alert\(2\)&gt;(\d+)", page), path
    assert "&lt;script&gt;alert(1)" in ana.get(f"/cases/{case['id']}").text


def fill(scene: Scene, caller: Phone) -> None:
    """The hostile words in every field a caller controls."""
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        progress = caller.progress
        progress.words = {"name": HOSTILE, "location": HOSTILE, "time": HOSTILE, "phone": HOSTILE}
        progress.language = HOSTILE[:8]
        progress.flags = [HOSTILE]
        progress.answers |= {"L6": [HOSTILE], "C2": ["said"], "W1": [HOSTILE]}
        conversations.heard(tx, place, progress.to_json(), scene.now)
