"""The board of `virtuoso top`: what was last heard, drawn to the width and height of the terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.text import Text

from virtuoso.cli.terminal import drawing
from virtuoso.cli.terminal.tables import Cells, Column, Table, at, plain
from virtuoso.model import documents as docs
from virtuoso.model.alerts.documents import Alert
from virtuoso.model.errors import VirtuosoError
from virtuoso.model.text.numbers import UNKNOWN, price_text

_SPARK = 20
_SIDE, _BARS_RANK, _NUMBERS_RANK = 4, 10, 4
_INCIDENTS = 3
_FRAME = 8 + _INCIDENTS
"""Lines around the rows: three above, two of titles or one and a legend of two, a blank one, incidents."""


@dataclass(slots=True)
class Screen:
    """Everything heard so far. `lost` says since when and why nothing more is heard."""

    address: str
    signals: docs.TopSignals | None = None
    overview: docs.MarketOverview | None = None
    alerts: tuple[Alert, ...] | None = None
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

    def rows(self, limit: int, height: int | None = None) -> tuple[docs.SignalItem, ...]:
        """The strongest signals, at most `limit` and what fits into `height` lines."""
        fitting = limit if height is None else max(1, min(limit, height - _FRAME))
        return self.signals.signals[:fitting] if self.signals else ()

    def drawn(self, rows: Sequence[docs.SignalItem], *, whole: bool = False) -> RenderableType:
        """Draw the board: header, market, the table of `rows` and the latest incidents.

        Header, market and each incident are a line, cut where the terminal ends, unless the `whole` of them is wanted.
        """
        head = (self._header(), self._market())
        for line in head:
            line.no_wrap, line.overflow = not whole, "fold" if whole else "ellipsis"
        return Group(*head, Text(), self._table(rows), Text(), *self._incidents(whole))

    def _header(self) -> Text:
        since = drawing.clock_time(self.signals.timestamp if self.signals else None)
        if self.lost is not None:
            shown = f"showing old data of {since}" if self.signals else "nothing was heard yet"
            return Text(f"connection lost, {shown}; trying again", "bold red")
        overview = self.overview
        if overview is None or self.signals is None:
            return Text(f"{self.address}: connected, waiting for the first signals")
        return Text.assemble(
            ("Virtuoso ", "bold"), drawing.source(overview.data_source), (" · data ", "dim"),
            drawing.quality(overview.data_quality), (f" · {since} · {self.address}", "dim"),
        )  # fmt: skip

    def _market(self) -> Text:
        if self.lost is not None:
            return Text(self.lost, "red")
        overview = self.overview
        if overview is None:
            return Text()
        breadth = overview.breadth
        return Text.assemble(
            ("BTC ", "dim"), price_text(overview.btc_price), (" · market ", "dim"),
            (overview.regime or UNKNOWN).lower(), (" · up ", "dim"), (str(breadth.advancing), "green"),
            (" down ", "dim"), (str(breadth.declining), "red"), (" flat ", "dim"), str(breadth.neutral),
            (" · average ", "dim"), drawing.percent(overview.avg_market_change),
        )  # fmt: skip

    def _table(self, rows: Sequence[docs.SignalItem]) -> RenderableType:
        if not rows:
            return Text((self.signals and self.signals.reason) or "no signals yet", "dim")
        return _Board(self._columns(rows), rows, gap=1)

    def _columns(self, rows: Sequence[docs.SignalItem]) -> list[Column[docs.SignalItem]]:
        """All columns, were there room for them; of a width that does not change with what is heard."""
        symbol, price = max(6, *(len(row.symbol) for row in rows)), self._price
        return [
            Column("symbol", lambda row: Text(row.symbol, "bold"), width=symbol),
            Column("signal", lambda row: drawing.label(row.signal), width=6),
            Column("conf", lambda row: drawing.number(row.confidence, 2), 2, right=True, width=4),
            Column("move", lambda row: drawing.number(row.large_move, 2), 2, right=True, width=4),
            Column("×base", lambda row: drawing.number(_over_base(row), 2), 2, right=True, width=5),
            Column("score", lambda row: drawing.number(row.score, 1), right=True, width=5),
            Column("band", lambda row: drawing.band(row.band), 6, width=14),
            Column("pctl", lambda row: drawing.number(row.score_percentile, 0), 6, right=True, width=4),
            Column("", lambda row: drawing.drawn(drawing.of_score(row.score), 5), 9, width=11),
            Column("agree", lambda row: drawing.number(row.agreement, 2), 7, right=True, width=5),
            Column("price", price, 1, right=True, width=max(10, *(len(price(row)) for row in rows))),
            Column("24 h", lambda row: drawing.percent(row.change), 5, right=True, width=8),
            *(factor_column(name) for name in rows[0].factors),
            Column("regime", lambda row: self.regimes.get(row.symbol, UNKNOWN).lower(), 8, width=8),
            Column("data", lambda row: drawing.quality(row.data_quality), 7, width=11),
            Column(
                "closes, 1m", lambda row: drawing.sparkline(self.closes.get(row.symbol, ()), _SPARK), 6, width=_SPARK
            ),
        ]

    def _price(self, row: docs.SignalItem) -> str:
        return price_text(self.prices.get(row.symbol, row.price), row.tick_size)

    def _incidents(self, whole: bool) -> Iterable[RenderableType]:
        latest = (self.alerts or ())[:_INCIDENTS]
        if not latest:
            return [Text("incidents are not known yet" if self.alerts is None else "no incidents", "dim")]
        colours = {"critical": "bold red", "warning": "yellow"}
        rows: list[Cells] = []
        for alert in latest:
            state = "resolved" if alert.resolved else alert.level
            colour = "green" if alert.resolved else colours.get(alert.level, "")
            when = Text(drawing.clock_time(alert.timestamp), "dim")
            rows.append((when, Text(state, colour), plain(alert.message)))
        if whole:
            drawn: list[RenderableType] = [Table([at("", 0, 2), at("", 1, 1), at("", 2, least=24)], rows, titled=False)]
        else:
            lines = (Text("  ", no_wrap=True, overflow="ellipsis").join(map(Text.assemble, row)) for row in rows)
            drawn = list(lines)
        return [Text("latest incidents", "dim"), *drawn]


def _over_base(item: docs.SignalItem) -> float | None:
    """How likely a large move is over how often the symbol has one, by which those without a claim are ordered."""
    if item.large_move is None or not item.large_move_base:
        return None
    return item.large_move / item.large_move_base


class _Board(Table[docs.SignalItem]):
    """The table of signals; where factors go by their initials, a line says whose these are."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Text]:
        yield from super().__rich_console__(console, options)
        short = {drawing.initials(name): drawing.words(name) for name in self.rows[0].factors}
        shown = [title for title in self.titles(options.max_width) if title in short]
        if shown:
            yield Text(" · ".join(f"{title} {short[title]}" for title in shown), "dim")


def factor_column(name: str) -> Column[docs.SignalItem]:
    """A factor as a bar, or where there is little room as a number in [−100, 100] under its initials."""

    def value(row: docs.SignalItem) -> float | None:
        return drawing.of_score(row.factors.get(name))

    def numbered(row: docs.SignalItem) -> Text:
        found = value(row)
        return drawing.points(None if found is None else 100 * found, 0)

    narrow = Column(drawing.initials(name), numbered, _NUMBERS_RANK, right=True, width=4)
    title, width = name.replace("_", "\n"), 2 * _SIDE + 1
    return Column(
        title, lambda row: drawing.drawn(value(row), _SIDE), _BARS_RANK, width=width, narrow=narrow, centred=True
    )
