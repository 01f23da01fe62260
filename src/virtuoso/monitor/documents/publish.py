"""Builds the documents of a cycle and encodes each once. It is their only writer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from virtuoso.analysis.overview import MarketItem, market_overview, movers
from virtuoso.analysis.overview import MarketOverview as Overview
from virtuoso.analysis.percentile import LEAST_CLOSES
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.analysis.regimes.dwell import Transition
from virtuoso.analysis.regimes.regime import Regime, SymbolRegime
from virtuoso.market.state import Qualities
from virtuoso.model import documents as docs
from virtuoso.model.alerts.documents import Alert, alert_of
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.clock import iso
from virtuoso.model.forecast import MarketPassed
from virtuoso.model.instrument import Instrument
from virtuoso.model.quality import DataQuality, DataSource, worst_quality
from virtuoso.model.signal import Reading
from virtuoso.monitor.containment import Contained, each
from virtuoso.monitor.documents.fresh_label import outdated, outlived, unfresh
from virtuoso.monitor.documents.outlook import (
    ORDER,
    claim_cells,
    outlook_fields,
    rank,
    served_entry,
    served_market_forecast,
)
from virtuoso.monitor.documents.symbol_items import unknown_item
from virtuoso.monitor.regimes import RegimeState

TOP = 10
_WAITING = "no bars have been scored yet"
_DOCUMENT = "its document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The input of one cycle's documents: copies and immutable things only."""

    now_ms: int
    symbols: tuple[docs.SymbolItem, ...]
    instruments: Mapping[str, Instrument]
    left_out: Mapping[str, str]
    evaluations: Mapping[str, Evaluation]
    regimes: Sequence[SymbolRegime]
    passed: tuple[MarketPassed, ...]
    passed_unknown: str | None
    regime_state: RegimeState
    qualities: Mapping[str, Qualities]
    quality: DataQuality
    source: DataSource | None
    exchange_ms: int
    base_ms: int
    incidents: Sequence[Incident]
    liquidations: Mapping[str, int]
    state: str


@dataclass(frozen=True, slots=True)
class Built:
    """All documents of a cycle, by name, encoded; and those among them that others go on with."""

    bodies: dict[str, bytes]
    overview: docs.MarketOverview
    details: tuple[docs.SymbolDetail, ...]


def build(frame: Frame, contained: Contained) -> Built:
    """Build all documents of a cycle. A symbol that raises is published as unknown, with the reason."""
    encoder = msgspec.json.Encoder()
    evaluations, regimes = frame.evaluations, {regime.symbol: regime for regime in frame.regimes}
    items = {item.symbol: item for item in frame.symbols}

    def whole(symbol: str) -> tuple[docs.SymbolDetail, bytes]:
        evaluation = evaluations.get(symbol)
        reading = None if evaluation is None else evaluation.reading(symbol)
        detail = symbol_detail(items[symbol], reading, regimes.get(symbol), frame)
        return detail, encoder.encode(detail)

    told = dict(each(contained, _DOCUMENT, items, whole))
    for symbol in items.keys() - told.keys():
        item = unknown_item(
            symbol, items[symbol].name, frame.source, contained.reason(symbol) or "", frame.qualities.get(symbol)
        )
        detail = symbol_detail(item, None, None, frame)
        told[symbol] = detail, encoder.encode(detail)
    details = [told[symbol][0] for symbol in items]
    values = _market_documents(frame, details)
    bodies = {name: encoder.encode(value) for name, value in values.items()}
    bodies |= {f"symbol:{symbol}": told[symbol][1] for symbol in items}
    return Built(bodies, values["overview"], tuple(details))


def _market_documents(frame: Frame, details: Sequence[docs.SymbolDetail]) -> dict[str, Any]:
    """Build the documents that are not of one symbol, from those that are."""
    frame, state = replace(frame, symbols=tuple(detail.ticker for detail in details)), frame.regime_state
    overview = market_overview(market_items(frame.symbols, frame.instruments), frame.regimes, state.held, state.history)
    timestamp = iso(frame.now_ms) or ""
    ranked = tuple(sorted((detail.signal for detail in details), key=rank))
    alerts = tuple(alert_of(incident) for incident in frame.incidents)
    reason = None if frame.evaluations else _WAITING
    claims = claim_cells(frame.evaluations.values())
    return {
        "signals": docs.TopSignals(signals=ranked, timestamp=timestamp, order=ORDER, claims=claims, reason=reason),
        "signals:top": docs.TopSignals(
            signals=ranked[:TOP], timestamp=timestamp, order=ORDER, claims=claims, reason=reason
        ),
        "overview": overview_document(overview, frame),
        "dashboard": dashboard(overview, frame, ranked[:TOP], alerts),
        "alerts": alerts,
        "symbols": docs.SymbolList(
            symbols=frame.symbols,
            left_out=tuple(docs.LeftOut(symbol=s, reason=r) for s, r in sorted(frame.left_out.items())),
            timestamp=timestamp,
        ),
        "regime": docs.RegimeDocument(
            timestamp=timestamp,
            market=overview.regime,
            since=iso(overview.regime_since_ms),
            probabilities=_shares(overview.probabilities),
            reason=overview.reasons.get("regime"),
            symbols=tuple(detail.regime for detail in details if detail.regime is not None),
            transitions=tuple(transition_item(transition) for transition in state.transitions),
        ),
    }


def symbol_detail(
    item: docs.SymbolItem, reading: Reading | None, regime: SymbolRegime | None, frame: Frame
) -> docs.SymbolDetail:
    """Build the document of `/api/symbols/{symbol}`."""
    signal, forecast_held_back = signal_item(item, reading, frame), _forecast_held_back(item.symbol, reading, frame)
    return docs.SymbolDetail(
        ticker=item,
        signal=signal,
        regime=None if regime is None else regime_item(regime),
        why=_why(reading, signal),
        factors=reading.factors if reading else (),
        timeframes=reading.timeframes if reading else (),
        alignment=reading.alignment if reading else None,
        forecast=reading.forecast if reading and forecast_held_back is None else None,
        counterfactual=reading.counterfactual if reading and signal.band else None,
        entry=None if reading is None else served_entry(reading.entry, forecast_held_back),
        input_hash=reading.input_hash if reading else None,
        liquidations=frame.liquidations.get(item.symbol, 0),
        timestamp=iso(frame.now_ms) or "",
    )


def signal_item(item: docs.SymbolItem, reading: Reading | None, frame: Frame) -> docs.SignalItem:
    """Make the signal of a symbol; its quality is the worse of what it was computed from and what comes in now.

    Label and band are served only while all their inputs are fresh, what is forecast while the bars are (see
    `fresh_label`). A document that is not renewed in time is relabelled by whoever serves it (`storage.cache.stale`):
    its quality is stale then, and what was forecast null.
    """
    if reading is None:
        return docs.SignalItem(
            symbol=item.symbol, signal=None, band=None, confidence=None, claim=None, lean=None, large_move=None,
            large_move_base=None, cone_1h=None, move_1h=None, move_1h_as_large=None, agreement=None, price=item.price,
            tick_size=item.tick_size, change=item.change, timestamp=None,
            data_quality=item.data_quality, data_source=frame.source, score=None, score_percentile=None,
            past_closes=None, past_from_bars=None, probability=None, coverage=None, attainable_coverage=None,
            evidence_class=item.evidence_class, consensus=None, disagreement=None, factors={},
            reasons=(item.reason or _WAITING,),
        )  # fmt: skip
    quality = worst_quality((reading.quality, item.data_quality))
    held_back = _held_back(item, reading, frame)
    return docs.SignalItem(
        symbol=item.symbol,
        band=reading.band if held_back is None else None,
        **outlook_fields(
            reading, fresh=held_back is None, forecast=_forecast_held_back(item.symbol, reading, frame) is None
        ),
        agreement=reading.agreement,
        price=item.price,
        tick_size=item.tick_size,
        change=item.change,
        timestamp=iso(reading.close_ms),
        data_quality=quality,
        data_source=frame.source,
        score=reading.score,
        score_percentile=reading.score_percentile,
        past_closes=reading.past_closes,
        past_from_bars=reading.past_from_bars,
        coverage=reading.coverage,
        attainable_coverage=reading.attainable,
        evidence_class=reading.evidence_class,
        consensus=reading.consensus,
        disagreement=reading.disagreement,
        factors={factor.name: factor.score for factor in sorted(reading.factors, key=lambda factor: -factor.weight)},
        reasons=(*(() if held_back is None else (held_back,)), *reading.reasons, *_unranked(reading)),
    )


def _held_back(item: docs.SymbolItem, reading: Reading | None, frame: Frame) -> str | None:
    """Say why label and band of a reading are not served any more; `None` while they are, or if it has none."""
    if reading is None or (reading.signal is None and reading.band is None and reading.forecast is None):
        return None
    return outdated(reading, item.data_quality, frame.exchange_ms, frame.base_ms)


def _forecast_held_back(symbol: str, reading: Reading | None, frame: Frame) -> str | None:
    """Say why the forecasts of a reading are not served any more: they rest on bars alone."""
    if reading is None or reading.forecast is None:
        return None
    found = frame.qualities.get(symbol)
    bars = DataQuality.UNAVAILABLE if found is None else found.bars
    return outlived(reading.close_ms, frame.exchange_ms, frame.base_ms) or unfresh("bars", bars)


def _unranked(reading: Reading) -> tuple[str, ...]:
    """Say why a score has no percentile, where it has none."""
    if reading.score_percentile is not None:
        return ()
    if reading.past_closes < LEAST_CLOSES:
        return (f"score_percentile: {reading.past_closes} of {LEAST_CLOSES} closes of its past are known",)
    return ("score_percentile: the score has too little evidence to be compared with its past",)


def _why(reading: Reading | None, item: docs.SignalItem) -> tuple[str, ...]:
    """Put the reading into words; where its label is not served any more, that is said first."""
    if reading is None:
        return ()
    if reading.signal is None or item.signal is not None:
        return reading.why
    return (
        f"{item.symbol} has no label now: {item.reasons[0]}. What follows was so at the close of {item.timestamp}.",
        *reading.why,
    )


def market_items(symbols: Sequence[docs.SymbolItem], instruments: Mapping[str, Instrument]) -> list[MarketItem]:
    """Make the items that the overview is computed from."""

    def made(item: docs.SymbolItem) -> MarketItem:
        known = instruments.get(item.symbol)
        return MarketItem(
            symbol=item.symbol, base=known.base if known else "", price=item.price, change_24h_pct=item.change,
            turnover_24h=item.turnover_24h, dated=known.dated if known else False,
            launch_ms=known.launch_ms if known else None,
        )  # fmt: skip

    return [made(item) for item in symbols]


def overview_document(overview: Overview, frame: Frame) -> docs.MarketOverview:
    """Build the document of `/api/market/overview`, with rounded figures."""
    forecast, unknown = served_market_forecast(
        frame.evaluations.values(), (each.bars for each in frame.qualities.values()), frame.exchange_ms, frame.base_ms
    )
    reasons = {"forecast": unknown, "passed": unknown if forecast is None else frame.passed_unknown}
    return docs.MarketOverview(
        status="active" if frame.evaluations else "starting",
        timestamp=iso(frame.now_ms) or "",
        regime=overview.regime,
        trend_strength=_rounded(overview.trend_strength, 2),
        volatility=_rounded(overview.volatility, 3),
        avg_volatility=_rounded(overview.avg_volatility, 3),
        btc_dominance=_rounded(overview.btc_dominance, 2),
        total_volume=_rounded(overview.total_volume, 2),
        market_sentiment=overview.market_sentiment,
        momentum_score=_rounded(overview.momentum_score, 2),
        btc_price=overview.btc_price,
        eth_price=overview.eth_price,
        avg_market_change=_rounded(overview.avg_market_change, 4),
        above_ema50_pct=_rounded(overview.above_ema50_pct, 2),
        new_highs_24h=overview.new_highs_24h,
        new_lows_24h=overview.new_lows_24h,
        dispersion=_rounded(overview.dispersion, 4),
        dispersion_robust=_rounded(overview.dispersion_robust, 4),
        avg_correlation_btc=_rounded(overview.avg_correlation_btc, 4),
        forecast=forecast,
        passed=() if forecast is None else frame.passed,
        breadth=msgspec.convert(msgspec.structs.asdict(overview.breadth), docs.Breadth),
        data_quality=frame.quality,
        data_source=frame.source,
        reasons=overview.reasons | {name: why for name, why in reasons.items() if why is not None},
    )


def dashboard(
    overview: Overview, frame: Frame, signals: tuple[docs.SignalItem, ...], alerts: tuple[Alert, ...]
) -> docs.Dashboard:
    """Build the document of `/api/dashboard/data`."""
    return docs.Dashboard(
        market_overview=docs.DashboardMarket(
            market_regime=overview.regime.title() if overview.regime else None,
            btc_price=overview.btc_price,
            btc_change=overview.btc_change,
            data_quality=frame.quality,
        ),
        top_movers=tuple(
            docs.Mover(symbol=mover.symbol, change=mover.change, price=mover.price)
            for mover in movers(market_items(frame.symbols, frame.instruments), TOP)
        ),
        alerts=alerts[:TOP],
        system_status=docs.SystemStatus(
            status=frame.state, last_update=iso(frame.now_ms) or "", data_source=frame.source
        ),
        signals=signals,
    )


def regime_item(regime: SymbolRegime) -> docs.RegimeItem:
    """Turn a regime into the item that is published."""
    return docs.RegimeItem(
        symbol=regime.symbol,
        regime=regime.regime,
        since=iso(regime.since_ms),
        probabilities=_shares(regime.probabilities),
        trend_strength=_rounded(regime.trend_strength, 2),
        momentum=_rounded(regime.momentum, 2),
        volatility=_rounded(regime.volatility, 3),
        avg_volatility=_rounded(regime.avg_volatility, 3),
        reason=regime.reason,
    )


def transition_item(transition: Transition) -> docs.RegimeTransition:
    """Make the item of a change of regime."""
    return docs.RegimeTransition(
        symbol=transition.symbol, before=transition.before, after=transition.after, at=iso(transition.at_ms) or ""
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _shares(probabilities: Mapping[Regime, float] | None) -> dict[str, float] | None:
    return None if probabilities is None else {str(name): round(share, 6) for name, share in probabilities.items()}
