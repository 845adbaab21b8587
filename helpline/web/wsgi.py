"""The webhook application that gunicorn serves."""

import gc
import os
import threading
from dataclasses import replace

from flask import Flask

from config.settings import load_settings
from helpline import logs
from helpline.carrier.webhook import SignatureCheck
from helpline.metrics import CountedBell
from helpline.runtime import Runtime
from helpline.service.upkeep import pulse
from helpline.web.direct import direct
from helpline.web.edge import attach, edge
from helpline.web.guests import guests
from helpline.web.health import health
from helpline.web.texts import texts
from helpline.web.voice import voice
from helpline.wiring import build_runtime, build_signature_check

LARGEST_FORM = 256 * 1024


def make_app(runtime: Runtime, signatures: SignatureCheck) -> Flask:
    """The webhooks around a given runtime. No sessions, no cookies, no templates."""
    app = Flask("helpline", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM
    app.config["MAX_FORM_PARTS"] = 500
    attach(app, runtime, signatures)
    app.register_blueprint(texts)
    app.register_blueprint(voice)
    app.register_blueprint(guests)
    app.register_blueprint(direct)
    app.register_blueprint(health)
    return app


def create_app() -> Flask:
    """The application of this process, from the environment."""
    settings = load_settings()
    logs.configure(settings.log_level, "web")
    runtime = build_runtime(settings, pool_size=settings.web_threads)
    runtime = replace(runtime, bell=CountedBell(runtime.bell))
    app = make_app(runtime, build_signature_check(settings))
    with app.app_context():
        edge().outage.start()
    name = f"web-{os.getpid()}"
    beating = (runtime, "web", name, threading.Event())
    threading.Thread(target=pulse.keep, args=beating, name="pulse", daemon=True).start()
    # Protocol and lexicon live as long as the process: the collector need not walk them again.
    gc.collect()
    gc.freeze()
    return app
