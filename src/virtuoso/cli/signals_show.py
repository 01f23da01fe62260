"""`virtuoso signals show`: one signal, to be read or shared as a picture."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.tables import Column, Table, facts
from virtuoso.delivery.chart import MOST_BARS, Mark, Picture
from virtuoso.model import documents as docs
from virtuoso.model.alerts.notice import Candles, PriceLevel
from virtuoso.model.clock import iso
from virtuoso.model.errors import UsageError
from virtuoso.model.forecast import horizon_text
from virtuoso.model.text.numbers import price_text

_MINUTE_MS: Final = 60_000
_BEFORE_MIN, _AFTER_MIN = 60, 15
_WHY: Final = 4


def bars_path(detail: docs.SignalDetail) -> str:
    """Where the bars around a signal are served: an hour before it, its horizon, and a quarter of an hour.

    Of a longer horizon its beginning, as far as a chart has room.
    """
    after_min = _ahead_min(detail) + _AFTER_MIN
    until = iso(_ms(detail.said.timestamp) + _MINUTE_MS * after_min)
    return f"/api/symbols/{detail.said.symbol}/bars?timeframe=1m&limit={_BEFORE_MIN + after_min}&until={until}"


def written(detail: docs.SignalDetail) -> Iterator[RenderableType]:
    """Draw the claim, why, who said it, and a table of what came of it."""
    yield Text(_claim(detail), style="bold")
    yield from (Text(why) for why in detail.said.why)
    yield facts({"build": detail.build or "unknown", "sha256": detail.hash, "link": detail.link})
    if detail.reason is not None:
        yield Text(detail.reason)
    if detail.outcomes:
        yield Table(_COLUMNS, detail.outcomes)


_COLUMNS: Final = (
    Column[docs.SignalOutcomeItem]("within", lambda row: horizon_text(row.horizon_min)),
    Column[docs.SignalOutcomeItem]("closed", lambda row: _percent(row.closed), right=True),
    Column[docs.SignalOutcomeItem]("highest", lambda row: _percent(row.highest), 1, right=True),
    Column[docs.SignalOutcomeItem]("lowest", lambda row: _percent(row.lowest), 1, right=True),
    Column[docs.SignalOutcomeItem]("first", lambda row: row.first or ""),
    Column[docs.SignalOutcomeItem](
        "net bp", lambda row: "" if row.net_bp is None else f"{row.net_bp:+.1f}", right=True
    ),
    Column[docs.SignalOutcomeItem]("", lambda row: row.reason or ""),
)


def draw(path: Path, detail: docs.SignalDetail, bars: docs.Bars) -> None:
    """Write the picture of a signal as PNG.

    Raises:
        UsageError: it cannot be written there.
    """
    from virtuoso.delivery.card import Line, card  # noqa: PLC0415 - fonts and numpy, which only a picture needs

    body = card(_picture(detail, bars), [Line(*line) for line in _lines(detail)])
    try:
        path.write_bytes(body)
    except OSError as error:
        raise UsageError(f"--image {path}: cannot be written: {error.strerror}") from error


def _picture(detail: docs.SignalDetail, bars: docs.Bars) -> Picture:
    said, kept = detail.said, bars.bars
    candles = Candles(
        timeframe=bars.timeframe, open_ms=tuple(_ms(bar.open_time) for bar in kept), open=tuple(b.open for b in kept),
        high=tuple(b.high for b in kept), low=tuple(b.low for b in kept), close=tuple(b.close for b in kept),
        volume=tuple(b.volume for b in kept),
    )  # fmt: skip
    label = "no signal" if said.signal is None else str(said.signal)
    up = {"BUY": True, "SELL": False}.get(label)
    levels = () if said.price is None else (PriceLevel("claimed at", said.price),)
    return Picture(
        title=f"{said.symbol} · {label}", candles=candles, levels=levels,
        marks=(Mark(_ms(said.timestamp), label, up),), source=str(said.data_source or "unknown"),
    )  # fmt: skip


def _lines(detail: docs.SignalDetail) -> Iterator[tuple[str, str, bool]]:
    yield _claim(detail), "text", True
    yield from ((why, "text", False) for why in detail.said.why[:_WHY])
    for each in detail.outcomes:
        yield _outcome(each), _shade(each), False
    if detail.reason is not None:
        yield detail.reason, "dim", False
    yield f"build {detail.build or 'unknown'} · sha256 {detail.hash}", "dim", False
    yield f"signal {detail.said.id} · {detail.link}", "dim", False


def _claim(detail: docs.SignalDetail) -> str:
    said = detail.said
    label = "unknown" if said.signal is None else str(said.signal)
    parts = [f"{said.symbol} {label}", f"at {said.timestamp[:16]}Z"]
    if said.price is not None:
        parts.append(f"price {price_text(said.price)}")
    if said.confidence is not None:
        parts.append(f"confidence {said.confidence:.1%}")
    if detail.horizon_min is not None and said.expires_at is not None:
        parts.append(f"for {horizon_text(detail.horizon_min)}, until {said.expires_at[:16]}Z")
    if said.before is not None:
        parts.append(f"before: {said.before}")
    return " · ".join(parts)


def _outcome(of: docs.SignalOutcomeItem) -> str:
    within = f"after {horizon_text(of.horizon_min)}"
    if of.closed is None:
        return f"{within}: {of.reason or 'unknown'}"
    net = "" if of.net_bp is None else f" · net of costs {of.net_bp:+.1f} bp"
    first = "" if of.first in {None, "neither"} else f" · {of.first} first"
    return f"{within}: {_percent(of.closed)} (high {_percent(of.highest)}, low {_percent(of.lowest)}){first}{net}"


def _shade(of: docs.SignalOutcomeItem) -> str:
    return "dim" if of.net_bp is None else "up" if of.net_bp > 0 else "down"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f} %"


def _ahead_min(detail: docs.SignalDetail) -> int:
    return min(detail.horizon_min or _BEFORE_MIN, MOST_BARS - _BEFORE_MIN - _AFTER_MIN)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
