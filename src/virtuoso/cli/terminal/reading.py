"""A reading drawn for a terminal: what it is, why, and every part of it."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace
from rich.console import Group, RenderableType
from rich.text import Text

from virtuoso.cli.terminal import drawing, tables
from virtuoso.cli.terminal.components import detailed, matrix
from virtuoso.cli.terminal.tables import Cells, Column, Table, facts, plain, terminal
from virtuoso.model.documents import SymbolDetail
from virtuoso.model.forecast import horizon_text
from virtuoso.model.signal import Counterfactual, Entry, EntryChances, FactorScore, TimeframeScore
from virtuoso.model.text.numbers import UNKNOWN, Denomination, price_text
from virtuoso.model.timeframe import Timeframe

_SIDE = 10
_WIDEST = 120
"""Characters of the line of closes at most."""


def show(detail: SymbolDetail, closes: Sequence[float], only: Timeframe | None) -> None:
    """Print the whole reading; of its components those of `only`, where given."""
    console = terminal()
    header = _header(detail, closes, min(console.width, _WIDEST))
    tables.show([header, *map(Text, detail.why), *_titled(detail, only)])


def _titled(detail: SymbolDetail, only: Timeframe | None) -> Iterator[RenderableType]:
    for title, part in _parts(detail, only):
        yield Text()
        yield Text(title, "bold underline")
        yield part


def _parts(detail: SymbolDetail, only: Timeframe | None) -> Iterator[tuple[str, RenderableType]]:
    """Draw each part of a symbol's reading: its title and its body."""
    ranked = by_weight(detail.factors)
    yield "Timeframes, each alone", _frames(detail, only)
    if only is None:
        yield "Factors, and the points each adds to 50", _factors(ranked)
        yield "Components: value in [−1, 1] on each timeframe", matrix(ranked, detail.timeframes)
    else:
        closed = next((p.time for factor in ranked for p in factor.components if p.timeframe is only), None)
        yield f"Components on {only}, closed {drawing.clock_time(closed)}", detailed(ranked, only)
    yield "What would change the band", _change(detail.counterfactual)
    if detail.entry is not None:
        yield (
            f"Entry, judged on {detail.entry.timeframe}",
            _entry(detail.entry, Denomination(detail.ticker.tick_size, quote=detail.ticker.quote)),
        )
    if detail.regime is not None:
        yield "Regime", _regime(detail)
    yield "Notes", Group(*(Text(f"· {line}") for line in (*detail.signal.reasons, _hashed(detail))))


def by_weight(factors: Sequence[FactorScore]) -> list[FactorScore]:
    """Order factors by their weights, the heaviest first."""
    return sorted(factors, key=lambda factor: -factor.weight)


def only_on(detail: SymbolDetail, timeframe: Timeframe) -> SymbolDetail:
    """The document with the timeframes, components and modifiers of one timeframe alone."""
    return replace(
        detail,
        timeframes=tuple(frame for frame in detail.timeframes if frame.timeframe is timeframe),
        factors=tuple(
            replace(
                factor,
                components=tuple(part for part in factor.components if part.timeframe is timeframe),
                modifiers=tuple(part for part in factor.modifiers if part.timeframe is timeframe),
            )
            for factor in detail.factors
        ),
    )


def _header(detail: SymbolDetail, closes: Sequence[float], width: int) -> RenderableType:
    signal, ticker = detail.signal, detail.ticker
    first = Text.assemble(
        (ticker.symbol, "bold"), f"  {price_text(ticker.price, ticker.tick_size)} {ticker.quote or ''}  ",
        drawing.percent(ticker.change),
        (" in 24 h   ", "dim"), drawing.label(signal.signal), (" · pressure ", "dim"),
        drawing.number(signal.score, 1), " ", drawing.band(signal.band),
    )  # fmt: skip
    second = Text.assemble(
        ("confidence ", "dim"), drawing.number(signal.confidence, 2),
        (" · percentile ", "dim"), drawing.number(signal.score_percentile, 0),
        (" · agreement ", "dim"), drawing.number(signal.agreement, 2), (" · coverage ", "dim"),
        drawing.number(signal.coverage, 2), (" · consensus ", "dim"), drawing.number(signal.consensus, 2),
        (" · alignment ", "dim"), drawing.number(detail.alignment, 2),
    )  # fmt: skip
    third = Text.assemble(
        ("data ", "dim"), drawing.quality(signal.data_quality), (" · ", "dim"), drawing.source(signal.data_source),
        (f" · bar closed {(signal.timestamp or '')[:10]} {drawing.clock_time(signal.timestamp)}", "dim"),
    )  # fmt: skip
    line = drawing.sparkline(closes, width - 17)
    fourth = Text.assemble(line, (f"  last {len(line)} closes", "dim")) if line else Text("no closes", "dim")
    return Group(first, second, third, fourth, Text())


def _frames(detail: SymbolDetail, only: Timeframe | None) -> Table[TimeframeScore]:
    return Table(
        (
            Column("", lambda frame: frame.timeframe),
            Column("score", lambda frame: drawing.number(frame.score, 1), right=True),
            Column("", lambda frame: drawing.drawn(drawing.of_score(frame.score), _SIDE)),
            Column("weight", lambda frame: drawing.number(frame.weight, 2), right=True),
        ),
        [frame for frame in detail.timeframes if only in (None, frame.timeframe)],
    )


def _factors(ranked: Sequence[FactorScore]) -> Table[FactorScore]:
    def weight(factor: FactorScore) -> str:
        own, used = drawing.number(factor.weight, 2), drawing.number(factor.effective_weight, 2)
        changed = factor.score is not None and abs(factor.effective_weight - factor.weight) >= 0.005
        return f"{own} → {used}" if changed else own

    def data(factor: FactorScore) -> Text:
        known = factor.score is not None
        return drawing.quality(factor.quality) if known else Text(plain(factor.reason or "no data"), "dim")

    return Table(
        (
            Column("", lambda factor: drawing.words(factor.name)),
            Column("score", lambda factor: drawing.number(factor.score, 1), right=True),
            Column("", lambda factor: drawing.drawn(drawing.of_score(factor.score), _SIDE), 1),
            Column(
                "points",
                lambda factor: drawing.points(None if factor.score is None else factor.contribution), right=True,
            ),
            Column("weight", weight, right=True),
            Column("data", data, least=20),
        ),
        ranked,
    )  # fmt: skip


def _change(found: Counterfactual | None) -> Text:
    if found is None:
        return Text("no change of one component alone, all else equal", "dim")
    where = f" on {found.timeframe}" if found.timeframe else ""
    way = "above" if found.needed > found.raw else "below"
    return Text.assemble(
        drawing.band(found.would_be), f" at {drawing.number(found.score, 1)}, ",
        f"were {drawing.words(found.component)}{where} {way} {drawing.raw(found.needed)} {found.unit} ",
        (f"(now {drawing.raw(found.raw)})", "dim"),
    )  # fmt: skip


def _entry(entry: Entry, of: Denomination) -> Table[Cells]:
    said: dict[str, str | Text] = {
        "side": Text(f"{entry.side} at {of.price(entry.price)}", drawing.style(_sign(entry)))
    }
    if entry.reason is not None:
        said[""] = entry.reason
    else:
        said["stop"] = f"{of.price(entry.stop)}{_away(entry, entry.stop)}, by {entry.basis}"
        said["wrong past"] = f"{of.price(entry.invalidation)}{_away(entry, entry.invalidation)}"
        targets = " · ".join(f"{of.price(target)}{_away(entry, target)}" for target in entry.targets)
        said["targets"] = targets or UNKNOWN
        said["reward/risk"] = f"{drawing.number(entry.reward_risk, 2)} to the first target"
    said["first touch"] = _first(entry.chances)
    cost = entry.slippage
    paid = [f"{way} {bp:.2f} bp" for way, bp in (("buy", cost.buy_bp), ("sell", cost.sell_bp)) if bp is not None]
    costs = " · ".join([*paid, *([cost.reason] if cost.reason else [])])
    said["slippage"] = f"{costs}, for {of.amount(cost.size)}"
    return facts(said)


def _first(chances: EntryChances) -> str:
    """Which is touched first, and what that comes to; it is not said as if it recommended anything."""
    if chances.stop_first is None or chances.target_first is None:
        return chances.reason or UNKNOWN
    within = "" if chances.horizon_min is None else f" within {horizon_text(chances.horizon_min)}"
    net = UNKNOWN if chances.net_bp is None else f"{drawing.number(chances.net_bp, 1, signed=True)} bp"
    return (
        f"stop {chances.stop_first:.0%} · target {chances.target_first:.0%}{within} · {net} net without drift; "
        "no recommendation"
    )


def _away(entry: Entry, level: float | None) -> str:
    if level is None or not entry.price:
        return ""
    return f" ({drawing.number(100 * (level / entry.price - 1), 2, signed=True)} %)"


def _sign(entry: Entry) -> float:
    return 1.0 if entry.side == "long" else -1.0


def _regime(detail: SymbolDetail) -> Text:
    regime = detail.regime
    if regime is None or regime.regime is None:
        return Text((regime and regime.reason) or "unknown", "dim")
    shares = sorted((regime.probabilities or {}).items(), key=lambda item: -item[1])
    return Text.assemble(
        (regime.regime, "bold"), f" ({', '.join(f'{name.lower()} {share:.0%}' for name, share in shares)})",
        f" · trend {drawing.number(regime.trend_strength, 0)} · momentum {drawing.number(regime.momentum, 0)} of 100",
        f" · volatility {drawing.number(regime.volatility, 2)} % a day",
    )  # fmt: skip


def _hashed(detail: SymbolDetail) -> str:
    return f"computed from input {detail.input_hash or UNKNOWN}"
