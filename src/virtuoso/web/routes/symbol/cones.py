"""Past cones of one symbol: what was said, and where the price came out."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.catalogue.lived import OUTCOME_HORIZONS_MIN
from virtuoso.model.clock import iso
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.damage import left_out
from virtuoso.storage.database.past_cones import MOST, PastCone
from virtuoso.storage.database.store import Database
from virtuoso.web.openapi import answers, reference
from virtuoso.web.routes.documents import answer
from virtuoso.web.routes.symbols import Symbol, not_watched

_PERCENT = 100.0
_SHARES = (50, 80, 95)
_NOTHING_YET = "nothing was said of it yet: cones are kept at each quarter of an hour"
_HORIZONS = OUTCOME_HORIZONS_MIN[:-1]  # a day ahead no cone is forecast


def _forecast(minutes: int) -> int:
    if minutes not in _HORIZONS:
        raise ValueError(f"must be one of {', '.join(map(str, _HORIZONS))}")
    return minutes


Horizon = Annotated[
    int,
    Query(
        ge=_HORIZONS[0], le=_HORIZONS[-1], description="How far ahead, minutes: 15, 60 or 240.",
        json_schema_extra={"enum": list(_HORIZONS)},
    ),
    AfterValidator(_forecast),
]  # fmt: skip
CountOf = Annotated[int, Query(ge=1, le=MOST, description=f"How many cones at most, 1 to {MOST}.")]


def router(cache: MemoryCache, database: Database | None, identity: str) -> APIRouter:
    """The route; without a database nothing was kept, and a reason says so."""
    routes = APIRouter()

    @routes.get(
        "/api/symbols/{symbol:path}/cones", summary="Past cones and where the price came out, newest first",
        response_class=Response, responses=answers(reference(docs.Cones), examples.CONES, 404, 422),
    )  # fmt: skip
    async def cones(
        request: Request,
        symbol: Symbol,
        horizon_min: Horizon = 60,
        limit: CountOf = 24,
    ) -> Response:
        if cache.get(f"symbol:{symbol}") is None:
            raise not_watched(symbol)
        return answer(request, msgspec.json.encode(await _cones(database, identity, symbol, horizon_min, limit)))

    return routes


async def _cones(database: Database | None, identity: str, symbol: str, horizon_min: int, limit: int) -> docs.Cones:
    if database is None:
        return _document(symbol, horizon_min, (), "no database is kept")
    try:
        found, damaged = await database.past_cones(identity, symbol, horizon_min, limit)
    except StoreUnavailable as error:
        return _document(symbol, horizon_min, (), str(error))
    items = tuple(_item(cone, horizon_min) for cone in found)
    return _document(symbol, horizon_min, items, left_out(damaged) or (None if items else _NOTHING_YET))


def _document(symbol: str, horizon_min: int, cones: tuple[docs.ConeItem, ...], reason: str | None) -> docs.Cones:
    within = [cone.within for cone in cones if cone.within is not None]
    counts = [sum(each <= share for each in within) for share in _SHARES]
    held = docs.ConesHeld(due=len(within), within_50=counts[0], within_80=counts[1], within_95=counts[2])
    return docs.Cones(symbol=symbol, horizon_min=horizon_min, cones=cones, held=held, reason=reason)


def _item(cone: PastCone, horizon_min: int) -> docs.ConeItem:
    return docs.ConeItem(
        close=iso(cone.close_ms) or "", price=cone.price, cone=tuple(_PERCENT * each for each in cone.cone),
        due=iso(cone.close_ms + 60_000 * horizon_min) or "", closed=_percent(cone.closed),
        highest=_percent(cone.highest), lowest=_percent(cone.lowest), within=_within(cone), reason=cone.reason,
    )  # fmt: skip


def _within(cone: PastCone) -> int | None:
    """The narrowest band that holds the closing return; 100 where none does."""
    if cone.closed is None:
        return None
    bands = zip(_SHARES, (2, 1, 0), strict=True)
    return next((share for share, i in bands if cone.cone[i] <= cone.closed <= cone.cone[-1 - i]), 100)


def _percent(value: float | None) -> float | None:
    return None if value is None else _PERCENT * value
