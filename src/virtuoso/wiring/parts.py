"""Makes the parts of a kernel from settings: plain values that can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.forecast.outlook import ForecastRule
from virtuoso.config import Settings
from virtuoso.config.settings import BYBIT_REST, ExchangeSettings
from virtuoso.exchange.bybit import Bybit
from virtuoso.exchange.ccxt import CcxtExchange
from virtuoso.exchange.ledger import Ledger
from virtuoso.exchange.protocol import Exchange, Tap
from virtuoso.market.universe.choice import UniverseRules
from virtuoso.model.catalogue.detectors import FastParameters
from virtuoso.model.clock import Clock
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.wiring.detectors import fast_parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelParts:
    """All the plain parts that a kernel is built from.

    Attributes:
        market: the exchange and its category, by which what is stored is kept apart.
        timeframes: weights; the first one is the base.
        factors: weights of those that are enabled.
        entry_size: quote units for which entries are judged.
        forecast: how forecasts become signals.
        depth: levels a side of the order books.
        polled: whether books and trades are polled, not streamed.
        interval_s: between passes.
        slow_pass_s: a pass that takes longer is an incident.
        stale_after_s: silence after which a feed is stale.
        universe_interval_s: between polls of the exchange's lists.
        slow_data_s: least and greatest interval at which slow data is polled.
        alpha_intervals: minutes between scans of each timeframe.
    """

    market: str
    timeframes: Mapping[Timeframe, float]
    factors: Mapping[str, float]
    band: BandRule
    entry_size: float
    forecast: ForecastRule
    depth: int
    polled: bool
    universe: UniverseRules
    universe_interval_s: float
    detectors: FastParameters
    interval_s: float
    slow_pass_s: float
    stale_after_s: float
    slow_data_s: tuple[float, float]
    alpha_intervals: Mapping[Timeframe, int]
    false_discovery_rate: float


def kernel_parts(settings: Settings) -> KernelParts:
    """The parts of a kernel as configured."""
    slow, analysis = settings.smart_intervals, settings.analysis
    return KernelParts(
        market=settings.exchange.market,
        timeframes=analysis.timeframes.weights(),
        factors=analysis.factors.weights(),
        band=band_rule(settings),
        entry_size=analysis.entry_size,
        forecast=forecast_rule(settings),
        depth=settings.exchange.depth,
        polled=settings.market_data.mode == "poll" or settings.exchange.ccxt_id is not None,
        universe=universe_rules(settings),
        universe_interval_s=settings.universe.refresh_interval,
        detectors=fast_parameters(settings.monitoring.alerts),
        interval_s=settings.monitoring.interval,
        slow_pass_s=settings.monitoring.alerts.slow_cycle,
        stale_after_s=settings.websocket.stale_after,
        slow_data_s=(slow.min_interval, slow.max_interval),
        alpha_intervals=alpha_intervals(settings),
        false_discovery_rate=settings.alpha_scanning.false_discovery_rate,
    )


def exchange_for(settings: Settings, clock: Clock, rng: np.random.Generator, tap: Tap | None = None) -> Exchange:
    """The configured exchange; nothing is sent yet."""
    exchange = settings.exchange
    if exchange.ccxt_id is not None:
        if tap is not None:
            raise UsageError(f"exchange.name = {exchange.name}: only the native adapter can be recorded; use bybit")
        urls = None if exchange.rest_url == BYBIT_REST else {"*": exchange.rest_url}
        return CcxtExchange(name=exchange.ccxt_id, category=exchange.category, clock=clock, urls=urls, rng=rng)
    return Bybit(
        rest_url=exchange.rest_url,
        stream_url=exchange.stream_url,
        category=exchange.category,
        depth=exchange.depth,
        ping_interval_s=settings.websocket.ping_interval,
        ledger=_ledger(exchange),
        clock=clock,
        rng=rng,
        tap=tap,
    )


def _ledger(exchange: ExchangeSettings) -> Ledger:
    """The account of requests that all processes of this machine share; `UsageError` where it cannot be kept."""
    try:
        return Ledger(exchange.rest_host, exchange.budget_dir)
    except OSError as error:
        where = exchange.budget_dir or "the folder for temporary files"
        raise UsageError(
            f"exchange.budget_dir = {where}: cannot be written: {(error.strerror or str(error)).lower()}; name a folder"
        ) from error


def band_rule(settings: Settings) -> BandRule:
    """The rule of bands as configured."""
    band = settings.analysis.band
    return BandRule(
        up=band.up, down=band.down, exit_margin=band.exit_margin, hold_bars=band.hold_bars,
        min_coverage=band.min_coverage,
    )  # fmt: skip


def forecast_rule(settings: Settings) -> ForecastRule:
    """How forecasts become signals, as configured."""
    forecast = settings.forecast
    return ForecastRule(
        horizon_min={"15m": 15, "1h": 60}[forecast.horizon], enter_margin=forecast.enter_margin,
        cost_size=forecast.cost_size, taker_fee_bp=forecast.taker_fee_bp,
    )  # fmt: skip


def alpha_intervals(settings: Settings) -> dict[Timeframe, int]:
    """Minutes between alpha scans of each timeframe as configured."""
    intervals = settings.alpha_scanning.intervals
    minutes = (intervals.base, intervals.low, intervals.middle, intervals.high)
    return dict(zip(settings.analysis.timeframes.weights(), minutes, strict=True))


def universe_rules(settings: Settings) -> UniverseRules:
    """The rules of the universe as configured."""
    universe = settings.universe
    return UniverseRules(
        size=universe.size,
        detailed=universe.detailed,
        quote=universe.quote,
        min_turnover_24h=universe.min_turnover_24h,
        min_age_days=universe.min_age_days,
        include=universe.include,
        exclude=universe.exclude,
        hysteresis=universe.hysteresis,
    )
