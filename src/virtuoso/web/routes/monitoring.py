"""`/api/monitoring/history`: how the monitor has been, over hours; `/api/monitoring/status` says how it is."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.views import MonitorViews
from virtuoso.web.openapi import answers, reference
from virtuoso.web.routes.documents import answer

Hours = Annotated[int, Query(ge=1, le=24, description="How many hours back, 1 to 24.")]
_TIMES: Final = {"total": 20.6, "refresh": 0.2, "analyse": 0.0, "decide": 0.1, "publish": 15.4}
_EXAMPLE: Final[dict[str, Any]] = {
    "step_s": 60,
    "groups": [
        {"since": "2026-11-23T20:46:00.000Z", "count": 6, "failed": 0, "slowest": 341.2, "median": _TIMES},
    ],
    "slowest": [{
        "ended": "2026-11-23T20:46:02.341Z", "ok": True, "symbols": 15,
        "times": {"total": 341.2, "refresh": 2.0, "analyse": 301.1, "decide": 0.1, "publish": 38.0},
    }],
    "reason": None,
}  # fmt: skip


def router(views: MonitorViews | None) -> APIRouter:
    """The route; without `views` nothing is kept, and it says so."""
    routes = APIRouter()

    @routes.get(
        "/api/monitoring/history", summary="How long the passes of the last hours took, stage by stage",
        response_class=Response, responses=answers(reference(docs.MonitoringHistory), _EXAMPLE, 422),
    )  # fmt: skip
    async def history(request: Request, hours: Hours = 6) -> Response:
        if views is None:
            found = docs.MonitoringHistory(step_s=10, groups=(), slowest=(), reason="no history is kept here")
        else:
            found = await views.passes(hours)
        return answer(request, msgspec.json.encode(found))

    return routes
