"""Coming in and going: password, second factor, lock, invitation, language."""

import segno
from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from helpline.service.console import Stage, passwords, signing_in
from helpline.service.console.passwords import WeakPassword
from helpline.service.console.signing_in import Opened, Refusal
from helpline.web.console.guards import (
    TOKEN,
    half_signed_in,
    local_path,
    open_to_all,
    runtime,
    visitor,
)
from helpline.web.console.words import LANGUAGES, tell

access = Blueprint("access", __name__)


def _address() -> str:
    return request.remote_addr or "unknown"


def _enter(opened: Opened) -> None:
    """A browser that was somebody's before keeps nothing but its language."""
    language = session.get("language")
    session.clear()
    session[TOKEN] = opened.token
    if language:
        session["language"] = language


def _refused(template: str, refusal: Refusal, **values: object) -> ResponseReturnValue:
    flash(str(tell(refusal)), "danger")
    status = 429 if refusal is Refusal.OFTEN else 400
    return render_template(template, **values), status


@access.get("/signin")
@open_to_all
def sign_in() -> ResponseReturnValue:
    """Name and password."""
    found = visitor()
    if found is not None and found.stage is Stage.OPEN and not found.locked:
        return redirect(local_path(request.args.get("next")))
    return render_template("signin.html", next=request.args.get("next", ""))


@access.post("/signin")
@open_to_all
def signed_in() -> ResponseReturnValue:
    """They are checked; what is missing is asked for."""
    onward = request.form.get("next", "")
    done = signing_in.begin(
        runtime(),
        login=request.form.get("login", "")[:200],
        password=request.form.get("password", ""),
        address=_address(),
    )
    if isinstance(done, Refusal):
        return _refused("signin.html", done, next=onward)
    _enter(done)
    if done.stage is Stage.SECOND:
        return redirect(url_for("access.second", next=onward))
    return redirect(local_path(onward))


@access.get("/signin/code")
@half_signed_in
def second() -> ResponseReturnValue:
    """The second factor."""
    return render_template("second.html", next=request.args.get("next", ""))


@access.post("/signin/code")
@half_signed_in
def seconded() -> ResponseReturnValue:
    """It is checked."""
    onward = request.form.get("next", "")
    code = request.form.get("code", "")[:100]
    done = signing_in.second(runtime(), session[TOKEN], code=code, address=_address())
    if done is Refusal.EXPIRED:
        session.pop(TOKEN, None)
        flash(str(tell(done)), "danger")
        return redirect(url_for("access.sign_in", next=onward))
    if isinstance(done, Refusal):
        return _refused("second.html", done, next=onward)
    _enter(done)
    return redirect(local_path(onward))


@access.get("/unlock")
@half_signed_in
def unlock() -> ResponseReturnValue:
    """Back after a pause."""
    return render_template("unlock.html", next=request.args.get("next", ""))


@access.post("/unlock")
@half_signed_in
def unlocked() -> ResponseReturnValue:
    """The password opens the page again."""
    onward = request.form.get("next", "")
    password = request.form.get("password", "")
    done = signing_in.unlock(runtime(), session[TOKEN], password=password, address=_address())
    if done is Refusal.EXPIRED:
        session.pop(TOKEN, None)
        return redirect(url_for("access.sign_in", next=onward))
    if isinstance(done, Refusal):
        return _refused("unlock.html", done, next=onward)
    _enter(done)
    return redirect(local_path(onward))


@access.post("/signout")
@open_to_all
def sign_out() -> ResponseReturnValue:
    """This browser is nobody's any more."""
    token = session.pop(TOKEN, "")
    if token:
        signing_in.sign_out(runtime(), token)
    session.clear()
    return redirect(url_for("access.sign_in"))


@access.get("/welcome/<token>")
@open_to_all
def welcome(token: str) -> ResponseReturnValue:
    """The link of an invitation: choose name and password, set up the authenticator."""
    return _welcome(token, 200, login="")


@access.post("/welcome/<token>")
@open_to_all
def welcomed(token: str) -> ResponseReturnValue:
    """They are checked; the recovery codes are shown once."""
    login = request.form.get("login", "")[:200]
    try:
        done = signing_in.accept(
            runtime(),
            token,
            login=login,
            password=request.form.get("password", ""),
            code=request.form.get("code", "")[:20],
        )
    except WeakPassword as weak:
        flash(str(tell(str(weak), shortest=passwords.SHORTEST)), "danger")
        return _welcome(token, 400, login=login)
    if isinstance(done, Refusal):
        flash(str(tell(done)), "danger")
        return _welcome(token, 400, login=login)
    opened, codes = done
    _enter(opened)
    return render_template("codes.html", codes=codes)


def _welcome(token: str, status: int, *, login: str) -> ResponseReturnValue:
    invited = signing_in.find_invited(runtime(), token)
    if invited is None:
        return render_template("error.html", key="invitation_over"), 404
    address = passwords.address_of(
        invited.totp, login=login or invited.person.name, org=runtime().line.org
    )
    page = render_template(
        "welcome.html",
        token=token,
        person=invited.person,
        secret=invited.totp,
        qr=segno.make_qr(address).svg_data_uri(scale=5, border=3, dark="#000", light="#fff"),
        login=login,
        shortest=passwords.SHORTEST,
    )
    response = Response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response


@access.post("/language")
@open_to_all
def language() -> ResponseReturnValue:
    """The other language."""
    chosen = request.form.get("language")
    if chosen in LANGUAGES:
        session["language"] = chosen
    return redirect(local_path(request.form.get("next")))
