"""Past cones of one symbol, out of what was said of all: each begins where the one before it ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from virtuoso.model.catalogue.lived import KNOWN, READING, REASONS, quantile_names
from virtuoso.storage.database.damage import Usable, usable
from virtuoso.storage.database.lived_body import CameBody, SaidBody, of_one, unpacked
from virtuoso.storage.database.schema import LIVED

MOST: Final = 48
"""Cones of one answer: of 600 symbols each takes up to 150 kB to be read."""
_PARTS: Final = 4
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCone:
    """What was said at a close and what came of it; all returns are log returns.

    Attributes:
        close_ms: the close (epoch ms).
        price: at that close, quote units.
        cone: quantiles of the closing return.
        due: whether what came of it is written.
        closed, highest, lowest: what came, `None` while it is not known.
        reason: why it never will be.
    """

    close_ms: int
    price: float
    cone: tuple[float, ...]
    due: bool
    closed: float | None = None
    highest: float | None = None
    lowest: float | None = None
    reason: str | None = None


def past_cones(connection: Connection, identity: str, symbol: str, horizon_min: int, most: int) -> Usable:
    """The newest `most` cones of a symbol over a horizon that do not overlap, newest first.

    Those of the exchange that this identity watched last.
    """
    c = LIVED.c
    last = select(c.exchange).where(c.identity == identity).order_by(c.close_ms.desc()).limit(1)
    exchange = connection.execute(last).scalar_one_or_none()
    if exchange is None:
        return Usable((), ())
    query = (
        select(c.close_ms, c.part, c.horizon_min, c.body)
        .where(
            c.identity == identity, c.exchange == exchange, c.kind == READING,
            c.horizon_min.in_((0, horizon_min)), c.close_ms % (horizon_min * _MINUTE_MS) == 0,
        )
        .order_by(c.close_ms.desc(), c.part.desc(), c.horizon_min)
        .limit(2 * _PARTS * most)
    )  # fmt: skip
    said: dict[tuple[int, int], tuple[int, PastCone]] = {}

    def take(row: Row[Any]) -> None:
        key = row.close_ms, row.part
        if row.horizon_min == 0:
            found = _said(row, symbol, horizon_min) if len(said) < most else None
            if found is not None:
                said[key] = found
        elif key in said:
            at, cone = said[key]
            said[key] = at, _settled(cone, row, at)

    rows: Iterable[Row[Any]] = connection.execute(query)
    damaged = usable(LIVED, rows, take).damaged
    return Usable(tuple(cone for _, cone in said.values()), damaged)


def _said(row: Row[Any], symbol: str, horizon_min: int) -> tuple[int, PastCone] | None:
    """In which column the symbol is, and its cone; `None` where nothing was said of it."""
    body: SaidBody = unpacked(row.body, SaidBody)
    if symbol not in body.symbols:
        return None
    at = body.symbols.index(symbol)
    values = dict(zip(body.columns, of_one(body.values, at), strict=True))
    wanted = [values.get(name) for name in ("price", *quantile_names("cone", horizon_min))]
    known = [value for value in wanted if value is not None and isfinite(value)]
    if len(known) < len(wanted):
        return None
    return at, PastCone(close_ms=row.close_ms, price=known[0], cone=tuple(known[1:]), due=False)


def _settled(cone: PastCone, row: Row[Any], at: int) -> PastCone:
    body: CameBody = unpacked(row.body, CameBody)
    values = dict(zip(body.columns, of_one(body.values, at), strict=True))
    entry = of_one(body.entry, at)[0]
    code = int(values["reason"])
    if code != KNOWN or not isfinite(entry):
        return PastCone(close_ms=cone.close_ms, price=cone.price, cone=cone.cone, due=True, reason=REASONS[code])
    return PastCone(
        close_ms=cone.close_ms, price=cone.price, cone=cone.cone, due=True, closed=values["closed"],
        highest=values["highest"], lowest=values["lowest"],
    )  # fmt: skip
