"""The phones page in a browser, as small as a telephone's: call, hear, speak, leave a message."""

from __future__ import annotations

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
QUESTION = (
    '<Gather input="dtmf speech" speechTimeout="auto" timeout="60" action="/said">'
    "<Say>Tell me what happened.</Say></Gather>"
)


@pytest.fixture
def page(sim):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 360, "height": 740})
        mistakes = []
        opened.on("pageerror", lambda error: mistakes.append(str(error)))
        opened.on("console", lambda m: mistakes.append(m.text) if m.type == "error" else None)
        opened.goto(sim.url)
        yield opened
        browser.close()
    assert mistakes == []


def test_a_caller_speaks_cries_and_leaves_a_message(sim, application, page):
    application.on("/twilio/voice", QUESTION)
    application.on("/said", '<Say>After the beep.</Say><Record action="/kept" timeout="90"/>')
    application.on("/kept", "<Say>Thank you.</Say><Pause length='100'/>")
    card = page.get_by_role("article", name="Caller +12025550145")
    card.get_by_role("button", name="Call helpline").click()
    card.get_by_text("Tell me what happened").wait_for()
    card.get_by_label("Understood").select_option("badly")
    card.get_by_label("Speak into this phone").fill("I took something")
    card.get_by_role("button", name="Say").click()
    card.get_by_text("Speak after the beep: this is recorded").wait_for()
    assert application.at("/said")[0]["Confidence"] == "0.4"
    card.get_by_role("button", name="Cry").click()
    card.get_by_label("Speak into this phone").fill("ring me tonight")
    card.get_by_role("button", name="Say").click()
    card.get_by_text("You: ring me tonight").or_(card.get_by_text("ring me tonight")).wait_for()
    card.get_by_role("button", name="5", exact=True).click()
    card.get_by_text("Thank you").wait_for()
    card.get_by_role("button", name="Hang up").click()
    card.get_by_text("call ended (completed)").wait_for()
    recording = page.get_by_role("region", name="Recordings")
    recording.get_by_text("ring me tonight (crying)").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    seconds = page.evaluate(
        """async () => {
          const player = document.querySelector('#recordings audio');
          const ready = new Promise((done) => { player.onloadedmetadata = done; });
          player.preload = 'auto';
          player.load();
          await ready;
          return player.duration;
        }"""
    )
    assert seconds > 0.5


def test_nothing_is_fetched_from_elsewhere(sim, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.get_by_role("article", name="Caller +12025550145").wait_for()
    assert asked
    assert [url for url in asked if not url.startswith(sim.url)] == []
