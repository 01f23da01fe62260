"""Makes the rules of the fast detectors from settings."""

from virtuoso.alerts.fast.funding import FundingRule
from virtuoso.alerts.fast.interest import InterestRule
from virtuoso.alerts.fast.liquidation import CascadeRule, LiquidationRule
from virtuoso.alerts.fast.move import MoveRule
from virtuoso.alerts.fast.spread import SpreadRule
from virtuoso.alerts.fast.symbol import FastRules
from virtuoso.alerts.fast.volume import VolumeRule
from virtuoso.alerts.fast.wall import WallRule
from virtuoso.alerts.fast.whale import WhaleRule
from virtuoso.config.alerts import AlertSettings

_HOUR_S = 3_600.0


def fast_rules(alerts: AlertSettings) -> FastRules:
    """Make the rules of the fast detectors, in the units that the detectors use."""
    fast, move = alerts.fast, alerts.sudden_move
    whale, one, cascade = fast.whale_trade, fast.liquidation, fast.cascade
    return FastRules(
        whale=WhaleRule(whale.once_in_hours * _HOUR_S, whale.min_trades, _ms(whale.quiet)),
        liquidation=LiquidationRule(one.share_of_minute, one.once_in_hours * _HOUR_S, one.min_count, _ms(one.quiet)),
        cascade=CascadeRule(
            _ms(cascade.window), cascade.share_of_minute, cascade.times_usual, cascade.min_count, cascade.symbols
        ),
        move=MoveRule(move.sigmas, move.seconds, move.floor_pct, move.threshold_pct, move.window_minutes),
        spread=SpreadRule(fast.spread.ratio, fast.spread.sigmas, fast.spread.floor_bp, _ms(fast.spread.hold)),
        wall=WallRule(fast.book_wall.ratio, fast.book_wall.sigmas, fast.book_wall.within_bp, _ms(fast.book_wall.stay)),
        volume=VolumeRule(fast.volume_spike.ratio, fast.volume_spike.sigmas, fast.volume_spike.min_days),
        funding=FundingRule(fast.funding.level_pct / 100, fast.funding.sigmas),
        interest=InterestRule(
            fast.open_interest.window_minutes, fast.open_interest.sigmas, fast.open_interest.floor_pct
        ),
    )


def _ms(seconds: float) -> int:
    return int(seconds * 1_000)
