"""The keys of the detectors: what counts as unusual."""

from pydantic import Field

from virtuoso.config.section import Section


class SuddenMoveSettings(Section):
    """When a price move is worth an incident: unusual for the symbol, or large in itself."""

    sigmas: float = Field(6.0, gt=0, le=100, description="Move in standard deviations of the symbol's own volatility.")
    seconds: int = Field(60, ge=5, le=600, description="Time within which it moved so far.")
    floor_pct: float = Field(0.3, gt=0, description="Least such move, in percent.")
    threshold_pct: float = Field(3.0, gt=0, description="Move that counts at any volatility, in percent.")
    window_minutes: int = Field(5, ge=1, le=60, description="Closed minutes within which it counts.")


class WhaleTradeSettings(Section):
    """When a taker's order is a whale's."""

    once_in_hours: float = Field(6.0, gt=0, le=168, description="An order so large comes once in so many hours.")
    min_trades: int = Field(2_000, ge=100, description="Orders seen before one is judged, and a 36th of the hours.")
    quiet: float = Field(60.0, gt=0, description="Seconds after the last one until the incident is over.")


class LiquidationSettings(Section):
    """When a single liquidation is worth an incident."""

    share_of_minute: float = Field(0.1, gt=0, description="Least value, as a share of a usual minute's turnover.")
    once_in_hours: float = Field(12.0, gt=0, le=168, description="One so large comes once in so many hours.")
    min_count: int = Field(50, ge=10, description="Liquidations seen before the hours count.")
    quiet: float = Field(300.0, gt=0, description="Seconds after the last one until the incident is over.")


class CascadeSettings(Section):
    """When liquidations are a cascade."""

    window: float = Field(60.0, ge=1, le=3600, description="Seconds in which a liquidation fades to 37 %.")
    share_of_minute: float = Field(0.2, gt=0, description="Least sum, as a share of a usual minute's turnover.")
    times_usual: float = Field(10.0, gt=1, description="Least sum, in sums that are usual of the last six hours.")
    min_count: int = Field(5, ge=2, description="Least number of liquidations.")
    symbols: int = Field(4, ge=2, description="Symbols with half of this that make a cascade of the whole market.")


class SpreadSettings(Section):
    """When a spread is a blow-out."""

    ratio: float = Field(5.0, gt=1, description="Least spread, in usual spreads.")
    sigmas: float = Field(4.0, gt=0, description="Least distance from the usual, in its spreads (logarithms).")
    floor_bp: float = Field(3.0, gt=0, description="Least spread in basis points.")
    hold: float = Field(2.0, ge=0, description="Seconds for which it must last.")


class BookWallSettings(Section):
    """When a level of the book is a wall."""

    ratio: float = Field(8.0, gt=1, description="Least size, in mean levels.")
    sigmas: float = Field(4.5, gt=0, description="Least distance from the symbol's usual largest level.")
    within_bp: float = Field(50.0, gt=0, description="Distance from the best price, in basis points.")
    stay: float = Field(10.0, ge=1, description="Seconds for which it must stay.")


class VolumeSpikeSettings(Section):
    """When a minute's volume is a spike."""

    ratio: float = Field(5.0, gt=1, description="Least volume, in usual minutes.")
    sigmas: float = Field(3.5, gt=0, description="Least distance from the usual, in its spreads (logarithms).")
    min_days: int = Field(3, ge=1, le=7, description="Days before a minute is compared with its time of day.")


class FundingSettings(Section):
    """When a funding rate is extreme."""

    level_pct: float = Field(0.1, gt=0, description="Rate in percent per 8 hours that is extreme in itself.")
    sigmas: float = Field(4.0, gt=0, description="Or a quarter of it, so far from its own mean of three days.")


class OpenInterestSettings(Section):
    """When open interest surges."""

    window_minutes: int = Field(5, ge=1, le=60, description="Time in which it changed.")
    sigmas: float = Field(8.0, gt=0, description="Least change, in robust deviations of the last four hours.")
    floor_pct: float = Field(1.0, gt=0, description="Least change in percent.")


class FastSettings(Section):
    """What the event path looks for, in units of what is usual of each symbol."""

    whale_trade: WhaleTradeSettings = WhaleTradeSettings()
    liquidation: LiquidationSettings = LiquidationSettings()
    cascade: CascadeSettings = CascadeSettings()
    spread: SpreadSettings = SpreadSettings()
    book_wall: BookWallSettings = BookWallSettings()
    volume_spike: VolumeSpikeSettings = VolumeSpikeSettings()
    funding: FundingSettings = FundingSettings()
    open_interest: OpenInterestSettings = OpenInterestSettings()
