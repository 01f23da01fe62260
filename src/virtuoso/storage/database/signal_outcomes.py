"""What came of one claim: read out of the rows that hold it among others of its close."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, select

from virtuoso.model.catalogue.lived import KNOWN, REASONS, SIGNAL
from virtuoso.storage.database.damage import usable
from virtuoso.storage.database.lived_body import CameBody, SaidBody, of_one, unpacked
from virtuoso.storage.database.schema import LIVED

_MOST: Final = 100
_FIRST: Final = {-1.0: "stop", 0.0: "neither", 1.0: "target"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalOutcome:
    """What came of a claim over one horizon; returns are log returns from the entry.

    Attributes:
        horizon_min: minutes from the entry.
        entry: the open of the minute after the close, quote units.
        closed, highest, lowest: what came, `None` while it is not known.
        first: whether `stop` or `target` was touched first, or `neither`; `None` where that was not looked at.
        spent_bp: what a round trip on the claim's side cost, with funding; `None` where it was not known.
        reason: why what came never will be known.
    """

    horizon_min: int
    entry: float | None = None
    closed: float | None = None
    highest: float | None = None
    lowest: float | None = None
    first: str | None = None
    spent_bp: float | None = None
    reason: str | None = None


class SignalOutcomes(NamedTuple):
    """What is written of a claim: whether it was kept to be settled, its outcomes, and what is damaged, a line each."""

    settled: bool
    found: tuple[SignalOutcome, ...]
    damaged: tuple[str, ...]


def signal_outcomes(
    connection: Connection, identity: str, exchange: str, symbol: str, close_ms: int, side: int
) -> SignalOutcomes:
    """The outcomes of a claim that are written, the nearest first; `side` is 1 for BUY, −1 for SELL."""
    c = LIVED.c
    query = (
        select(c.part, c.horizon_min, c.body)
        .where(c.identity == identity, c.exchange == exchange, c.close_ms == close_ms, c.kind == SIGNAL)
        .order_by(c.part, c.horizon_min)
        .limit(_MOST)
    )
    said: dict[int, tuple[int, dict[str, float]]] = {}
    found: list[SignalOutcome] = []

    def take(row: Row[Any]) -> None:
        if row.horizon_min == 0:
            body: SaidBody = unpacked(row.body, SaidBody)
            if symbol in body.symbols:
                at = body.symbols.index(symbol)
                said[row.part] = at, dict(zip(body.columns, of_one(body.values, at), strict=True))
        elif row.part in said:
            found.append(_outcome(row, *said[row.part], side))

    rows: Iterable[Row[Any]] = connection.execute(query)
    damaged = usable(LIVED, rows, take).damaged
    return SignalOutcomes(bool(said), tuple(sorted(found, key=lambda each: each.horizon_min)), damaged)


def _outcome(row: Row[Any], at: int, said: dict[str, float], side: int) -> SignalOutcome:
    body: CameBody = unpacked(row.body, CameBody)
    values = dict(zip(body.columns, of_one(body.values, at), strict=True))
    entry, code = of_one(body.entry, at)[0], int(values["reason"])
    if code != KNOWN or not isfinite(entry):
        return SignalOutcome(horizon_min=row.horizon_min, reason=REASONS[code])
    funding = said.get(f"funding_bp_{row.horizon_min}", 0.0)
    spent_bp = said["cost_bp"] + side * (funding if isfinite(funding) else 0.0)
    return SignalOutcome(
        horizon_min=row.horizon_min, entry=entry, closed=values["closed"], highest=values["highest"],
        lowest=values["lowest"], first=_FIRST.get(values["first"]), spent_bp=spent_bp if isfinite(spent_bp) else None,
    )  # fmt: skip
