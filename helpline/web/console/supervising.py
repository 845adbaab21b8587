"""What supervisors see: the wallboard, reports, blocked callers."""

import csv
import io

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from helpline.service.console import callers, reports, wallboard
from helpline.service.console.reports import Report
from helpline.web.console.charts import draw
from helpline.web.console.guards import for_supervisors, me, runtime
from helpline.web.console.telling import show

supervising = Blueprint("supervising", __name__)

SPANS = (1, 7, 28, 90)


@supervising.get("/wallboard")
@for_supervisors
def board() -> ResponseReturnValue:
    """The line at a glance."""
    return render_template("wallboard.html", page=wallboard.look(runtime(), me()))


@supervising.get("/blocked")
@for_supervisors
def blocked() -> ResponseReturnValue:
    """Whom nobody answers, and why."""
    return render_template("blocked.html", found=callers.list_blocked(runtime(), me()))


@supervising.post("/blocked/<int:caller_id>/free")
@for_supervisors
def free(caller_id: int) -> ResponseReturnValue:
    """Answered again."""
    show(callers.unblock(runtime(), me(), caller_id))
    return redirect(url_for("supervising.blocked"))


@supervising.get("/reports")
@for_supervisors
def report() -> ResponseReturnValue:
    """Waits, outcomes and pages of a span."""
    made = _made()
    return render_template("reports.html", report=made, spans=SPANS, days=_days(), draw=draw)


@supervising.get("/reports.json")
@for_supervisors
def report_json() -> ResponseReturnValue:
    """The same for a machine."""
    made = _made()
    return jsonify(
        {
            "since": made.since.isoformat(),
            "until": made.until.isoformat(),
            "tables": {
                table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
                for table in made.tables
            },
        }
    )


@supervising.get("/reports.csv")
@for_supervisors
def report_csv() -> ResponseReturnValue:
    """The same for a spreadsheet: every value with its table, row and column."""
    made = _made()
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(("table", "row", "column", "value"))
    for table in made.tables:
        for row in table.rows:
            for column, value in zip(table.columns[1:], row[1:], strict=True):
                lines.writerow((table.name, row[0], column, "" if value is None else value))
    response = Response(out.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = "attachment; filename=report.csv"
    return response


def _days() -> int:
    given = request.args.get("days", "7")
    return int(given) if given.isdecimal() and int(given[:4]) in SPANS else SPANS[1]


def _made() -> Report:
    return reports.make(runtime(), me(), days=_days())
