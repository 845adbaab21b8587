"""Liveness, readiness and metrics."""

import os
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from helpline import metrics
from helpline.service.upkeep import figures
from helpline.service.upkeep import health as service
from helpline.web.edge import edge, open_to_all

health = Blueprint("health", __name__)


@health.get("/live")
@open_to_all
def live() -> Response:
    """The process answers."""
    return jsonify({"live": True})


@health.get("/ready")
@open_to_all
def ready() -> Response:
    """Can texts be kept? 200 with what is degraded; 503 when neither database nor spool can."""
    rt = edge().runtime
    outage = edge().outage
    try:
        with outage.patience():
            degraded = service.list_degraded(rt)
        if not outage.away:
            return jsonify({"ready": True, "degraded": degraded})
        kept = service.can_spool(rt)
    except SQLAlchemyError:
        kept = service.can_spool(rt)
    response = jsonify({"ready": kept, "degraded": service.list_without_database(kept)})
    response.status_code = 200 if kept else 503
    return response


@health.get("/metrics")
@open_to_all
def prometheus() -> Response:
    """Counts and seconds, never who."""
    rt = edge().runtime
    readings = {name: partial(read, rt) for name, read in figures.READINGS.items()}
    body = metrics.exposition(
        readings | {"clock": lambda: [figures.clock_skew(rt, datetime.now(UTC))]},
        os.environ.get("PROMETHEUS_MULTIPROC_DIR"),
    )
    return Response(body, content_type=metrics.CONTENT_TYPE)
