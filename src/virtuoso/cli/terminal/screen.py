"""The board of `virtuoso top`: what was last heard, drawn to the width and height of the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from virtuoso.cli.terminal import drawing
from virtuoso.cli.terminal.columns import GAP, Column, factor_column, fitted
from virtuoso.model import documents as docs
from virtuoso.model.alerts.documents import Alert
from virtuoso.model.errors import VirtuosoError

_SPARK = 20
_INCIDENTS = 3
_FRAME = 7 + _INCIDENTS
"""Lines around the rows: three above, two of titles or one and a legend, a blank one, the incidents, their title."""


@dataclass(slots=True)
class Screen:
    """Everything heard so far. `lost` says since when and why nothing more is heard."""

    address: str
    signals: docs.TopSignals | None = None
    overview: docs.MarketOverview | None = None
    alerts: tuple[Alert, ...] = ()
    regimes: dict[str, str] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)
    closes: dict[str, tuple[float, ...]] = field(default_factory=dict)
    lost: str | None = None

    def take(self, name: str, body: bytes) -> None:
        """Note a document of the stream; one of another name is ignored. Raises `VirtuosoError` on another schema."""
        try:
            match name:
                case "signals":
                    self.signals = msgspec.json.decode(body, type=docs.TopSignals)
                case "overview":
                    self.overview = msgspec.json.decode(body, type=docs.MarketOverview)
                case "alerts":
                    self.alerts = msgspec.json.decode(body, type=tuple[Alert, ...])
                case "regime":
                    regimes = msgspec.json.decode(body, type=docs.RegimeDocument)
                    self.regimes = {row.symbol: row.regime for row in regimes.symbols if row.regime is not None}
                case "ticks":
                    ticks = msgspec.json.decode(body, type=docs.Ticks).ticks
                    self.prices.update({tick.symbol: tick.price for tick in ticks if tick.price is not None})
        except msgspec.DecodeError as error:
            raise VirtuosoError(f"{self.address}: `{name}` is of another version of Virtuoso: {error}") from error

    def rows(self, limit: int, height: int | None = None) -> tuple[docs.SignalRow, ...]:
        """The strongest signals, at most `limit` and what fits into `height` lines."""
        fitting = limit if height is None else max(1, min(limit, height - _FRAME))
        return self.signals.signals[:fitting] if self.signals else ()

    def drawn(self, rows: Sequence[docs.SignalRow], width: int) -> RenderableType:
        """Draw the whole board: header, market, the table of `rows` and the latest incidents."""
        return Group(self._header(), self._market(), Text(), self._table(rows, width), Text(), *self._incidents())

    def _header(self) -> Text:
        since = drawing.clock_time(self.signals.timestamp if self.signals else None)
        if self.lost is not None:
            shown = f"showing old data of {since}" if self.signals else "nothing was heard yet"
            return Text(f"connection lost, {shown}; trying again", "bold red", no_wrap=True)
        overview = self.overview
        if overview is None or self.signals is None:
            return Text(f"{self.address}: connected, waiting for the first signals")
        return Text.assemble(
            ("Virtuoso ", "bold"), drawing.source(overview.data_source), (" · data ", "dim"),
            drawing.quality(overview.data_quality), (f" · {since} · {self.address}", "dim"), no_wrap=True,
        )  # fmt: skip

    def _market(self) -> Text:
        if self.lost is not None:
            return Text(self.lost, "red", no_wrap=True, overflow="ellipsis")
        overview = self.overview
        if overview is None:
            return Text()
        breadth = overview.breadth
        return Text.assemble(
            ("BTC ", "dim"), drawing.price(overview.btc_price), (" · market ", "dim"),
            (overview.regime or drawing.UNKNOWN).lower(), (" · up ", "dim"), (str(breadth.advancing), "green"),
            (" down ", "dim"), (str(breadth.declining), "red"), (" flat ", "dim"), str(breadth.neutral),
            (" · average ", "dim"), drawing.percent(overview.avg_market_change), no_wrap=True,
        )  # fmt: skip

    def _table(self, rows: Sequence[docs.SignalRow], width: int) -> RenderableType:
        if not rows:
            return Text((self.signals and self.signals.reason) or "no signals yet", "dim")
        table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim")
        columns = fitted(self._columns(rows), width)
        for column in columns:
            title = Text(column.title, justify="center" if column.narrow else column.justify)  # above the bars' middle
            table.add_column(title, justify=column.justify, width=column.width, no_wrap=True, vertical="bottom")
        for row in rows:
            table.add_row(*(column.cell(row) for column in columns))
        short = {drawing.initials(name): drawing.words(name) for name in rows[0].factors}
        legend = " · ".join(f"{column.title} {short[column.title]}" for column in columns if column.title in short)
        return Group(table, Text(legend, "dim", no_wrap=True)) if legend else table

    def _columns(self, rows: Sequence[docs.SignalRow]) -> list[Column]:
        """All columns, were there room for them."""
        return [
            Column("symbol", max(6, *(len(row.symbol) for row in rows)), 0, lambda row: Text(row.symbol, "bold")),
            Column("label", 5, 0, lambda row: drawing.label(row.signal)),
            Column("score", 5, 0, lambda row: Text(drawing.number(row.score, 1)), "right"),
            Column("pctl", 4, 4, lambda row: Text(drawing.number(row.score_percentile, 0)), "right"),
            Column("", 11, 8, lambda row: drawing.drawn(drawing.of_score(row.score), 5)),
            Column("conf", 4, 2, lambda row: Text(drawing.number(row.confidence, 2)), "right"),
            Column("price", 10, 1, lambda row: Text(drawing.price(self.prices.get(row.symbol, row.price))), "right"),
            Column("24 h", 8, 3, lambda row: drawing.percent(row.change), "right"),
            *(factor_column(name) for name in rows[0].factors),
            Column("regime", 8, 7, lambda row: Text(self.regimes.get(row.symbol, drawing.UNKNOWN).lower())),
            Column("data", 11, 6, lambda row: drawing.quality(row.data_quality)),
            Column(
                "closes, 1m", _SPARK, 5, lambda row: Text(drawing.sparkline(self.closes.get(row.symbol, ()), _SPARK))
            ),
        ]

    def _incidents(self) -> list[Text]:
        latest = self.alerts[:_INCIDENTS]
        if not latest:
            return [Text("no incidents", "dim")]
        colours = {"critical": "bold red", "warning": "yellow"}
        lines = [Text("latest incidents", "dim")]
        for alert in latest:
            state = "resolved" if alert.resolved else alert.level
            colour = "green" if alert.resolved else colours.get(alert.level, "")
            when = (f"{drawing.clock_time(alert.timestamp)}  ", "dim")
            lines.append(Text.assemble(when, (f"{state}  ", colour), alert.message, no_wrap=True, overflow="ellipsis"))
        return lines
