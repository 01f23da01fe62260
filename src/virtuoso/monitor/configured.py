"""Settings made into the parts that a monitor, a replay or a command is built from."""

from urllib.parse import urlsplit

import numpy as np

from virtuoso.analysis.engine import Engine
from virtuoso.analysis.signals import LabelRule
from virtuoso.config import Settings
from virtuoso.config.settings import BYBIT_REST
from virtuoso.exchange.bybit import Bybit
from virtuoso.exchange.ccxt import CcxtExchange
from virtuoso.exchange.ledger import Ledger
from virtuoso.exchange.protocol import Exchange, Tap
from virtuoso.market.universe import UniverseRules
from virtuoso.model.clock import Clock
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe


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
        ledger=Ledger(urlsplit(exchange.rest_url).netloc, exchange.budget_dir),
        clock=clock,
        rng=rng,
        tap=tap,
    )


def engine_for(settings: Settings) -> Engine:
    """The engine as configured."""
    analysis = settings.analysis
    frames, factors = analysis.timeframes.weights(), analysis.factors.weights()
    return Engine(frames, factors, label_rule(settings), analysis.entry_size)


def label_rule(settings: Settings) -> LabelRule:
    """The rule of labels as configured."""
    label = settings.analysis.label
    return LabelRule(
        buy=label.buy, sell=label.sell, exit_margin=label.exit_margin, hold_bars=label.hold_bars,
        min_coverage=label.min_coverage,
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
