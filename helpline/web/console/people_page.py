"""The people of the line, for admins."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from helpline.service.console import signing_in, team
from helpline.web.console.guards import for_admins, me, runtime
from helpline.web.console.words import tell

people_page = Blueprint("people", __name__, url_prefix="/people")


@people_page.get("")
@for_admins
def everybody() -> ResponseReturnValue:
    """Who works here."""
    return render_template("people.html", found=team.list_everybody(runtime(), me()))


@people_page.post("")
@for_admins
def add() -> ResponseReturnValue:
    """Somebody new, or somebody changed."""
    tier = request.form.get("tier", "1")
    try:
        team.add(
            runtime(),
            me(),
            name=request.form.get("name", ""),
            phone=request.form.get("phone", "")[:40],
            role=request.form.get("role", ""),
            languages=[item for item in request.form.getlist("language") if item],
            tier=int(tier) if tier.isdecimal() and len(tier) < 3 else 0,
        )
    except ValueError as problem:
        flash(str(tell("person_refused", why=problem)), "warning")
        return render_template("people.html", found=team.list_everybody(runtime(), me())), 400
    flash(str(tell("person_kept")), "success")
    return redirect(url_for("people.everybody"))


@people_page.post("/<int:staff_id>/disable")
@for_admins
def disable(staff_id: int) -> ResponseReturnValue:
    """They work here no longer."""
    try:
        team.disable(runtime(), me(), staff_id)
    except ValueError as problem:
        flash(str(tell("person_refused", why=problem)), "warning")
    else:
        flash(str(tell("person_gone")), "success")
    return redirect(url_for("people.everybody"))


@people_page.post("/<int:staff_id>/invite")
@for_admins
def invite(staff_id: int) -> ResponseReturnValue:
    """A link with which they choose how to sign in; shown once."""
    token = signing_in.invite_from_page(runtime(), me(), staff_id)
    link = url_for("access.welcome", token=token, _external=True)
    return render_template("invited.html", link=link, hours=72)
