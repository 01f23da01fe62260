"""The built-in fast detectors: the parameters of each with their bounds, and the kind of incident that it finds.

The configuration has a section of each, made of what is said here; wiring hands the values to the detector.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, get_type_hints

from virtuoso.model.alerts.kind import INFO, WARNING, WORSENING, AlertKind, market
from virtuoso.model.text.duration import Unit


def _parameter(default: float, description: str, unit: Unit | None = None, **bounds: float) -> Any:
    """A parameter that may be configured; `bounds` (gt, ge, lt, le) are kept by the configuration.

    A duration has the `unit` that the number counts.
    """
    return field(default=default, metadata={"description": description, **bounds} | ({"unit": unit} if unit else {}))


@dataclass(frozen=True, slots=True)
class SuddenMoveParameters:
    """When a price move is worth an incident: as far as this symbol's own goes but once in days."""

    kind: ClassVar[AlertKind] = market(
        "sudden_move", "Sudden move", WARNING,
        "Within {seconds} s or {window_minutes} min it moves, in units of its own volatility, as far as this symbol "
        "does but once in {once_in_hours:g} h; {sigmas:g} ({window_sigmas:g}) standard deviations and {floor_pct:g} % "
        "at least.",
        "The price moved as far as this symbol's own does but once in days.",
        "See whether other symbols moved too, and who led.",
    )  # fmt: skip
    once_in_hours: float = _parameter(
        48.0, "A move so far, for its volatility, comes once in so long.", "h", gt=0, le=720
    )
    sigmas: float = _parameter(6.0, "Least move in standard deviations of its own volatility.", gt=0, le=100)
    seconds: int = _parameter(60, "Time within which it moved so far.", "s", ge=5, le=600)
    floor_pct: float = _parameter(0.3, "Least move, in percent.", gt=0)
    window_sigmas: float = _parameter(
        5.0, "Least such move over the window, in standard deviations of it.", gt=0, le=100
    )
    window_minutes: int = _parameter(5, "Closed minutes of the window, beside the running one.", "m", ge=1, le=60)


@dataclass(frozen=True, slots=True)
class MarketMoveParameters:
    """When moves of many symbols are one of the market."""

    kind: ClassVar[AlertKind] = market(
        "market_move", "Market move", WARNING,
        "Within {within:g} s, {share_pct:g} % of the symbols or more ({symbols} at least) go the same way, each "
        "{sigmas:g} standard deviations of its own volatility.",
        "Most symbols moved the same way at once.",
        "See who led, and whether liquidations follow.",
    )  # fmt: skip
    sigmas: float = _parameter(5.0, "Move of a symbol in standard deviations of its own volatility.", gt=0, le=100)
    share_pct: float = _parameter(60.0, "Percent of the watched symbols that move so at once.", gt=0, le=100)
    symbols: int = _parameter(4, "Least number of them.", ge=2)
    within: float = _parameter(60.0, "Time within which they do.", "s", ge=1, le=600)
    quiet: float = _parameter(300.0, "Time after the last one joined until it is over.", "s", gt=0)


@dataclass(frozen=True, slots=True)
class WhaleTradeParameters:
    """When a taker's order is a whale's."""

    kind: ClassVar[AlertKind] = market(
        "whale_trade", "Whale trade", INFO,
        "An order is worth what only one in {once_in_hours:g} h is, of {min_trades:,} orders or more.",
        "One order traded more than this symbol sees in hours.",
        "See its side, and what price and book did after it.",
    )  # fmt: skip
    once_in_hours: float = _parameter(6.0, "An order so large comes once in so long.", "h", gt=0, le=168)
    min_trades: int = _parameter(2_000, "Orders seen before one is judged, and a 36th of that time.", ge=100)
    quiet: float = _parameter(60.0, "Time after the last one until the incident is over.", "s", gt=0)


@dataclass(frozen=True, slots=True)
class LiquidationParameters:
    """When a single liquidation is worth an incident."""

    kind: ClassVar[AlertKind] = market(
        "liquidation", "Large liquidation", INFO,
        "It is worth {share_of_minute:g} of a usual minute's turnover or more, and what one in {once_in_hours:g} h is.",
        "A position was liquidated that is large for this symbol.",
        "Look at the liquidations and the open interest around it.",
    )  # fmt: skip
    share_of_minute: float = _parameter(0.1, "Least value, as a share of a usual minute's turnover.", gt=0)
    once_in_hours: float = _parameter(12.0, "One so large comes once in so long.", "h", gt=0, le=168)
    min_count: int = _parameter(50, "Liquidations seen before that time counts.", ge=10)
    quiet: float = _parameter(300.0, "Time after the last one until the incident is over.", "s", gt=0)


@dataclass(frozen=True, slots=True)
class CascadeParameters:
    """When liquidations are a cascade."""

    kind: ClassVar[AlertKind] = market(
        "liquidation_cascade", "Liquidation cascade", WORSENING,
        "Within {window:g} s, {min_count} liquidations or more sum to {share_of_minute:g} of a usual minute's "
        "turnover and {times_usual:g} usual sums; of {symbols} symbols at once it is critical.",
        "Liquidations of one side follow each other quickly.",
        "Expect thin books; see whether several symbols are in it.",
    )  # fmt: skip
    window: float = _parameter(60.0, "Time in which a liquidation fades to 37 %.", "s", ge=1, le=3600)
    share_of_minute: float = _parameter(0.2, "Least sum, as a share of a usual minute's turnover.", gt=0)
    times_usual: float = _parameter(10.0, "Least sum, in sums that are usual of the last six hours.", gt=1)
    min_count: int = _parameter(5, "Least number of liquidations.", ge=2)
    symbols: int = _parameter(4, "Symbols with half of this that make a cascade of the whole market.", ge=2)


@dataclass(frozen=True, slots=True)
class SpreadParameters:
    """When a spread counts as blown out."""

    kind: ClassVar[AlertKind] = market(
        "spread_blowout", "Spread blow-out", WARNING,
        "It is {ratio:g} usual spreads, {sigmas:g} sigmas and {floor_bp:g} bp wide or wider, for {hold:g} s.",
        "The spread is far wider than usual, and stays so.",
        "Do not trust market orders in it; see whether the book is thin on one side.",
    )  # fmt: skip
    ratio: float = _parameter(5.0, "Least spread, in usual spreads.", gt=1)
    sigmas: float = _parameter(4.0, "Least distance from the usual, in its spreads (logarithms).", gt=0)
    floor_bp: float = _parameter(3.0, "Least spread in basis points.", gt=0)
    hold: float = _parameter(2.0, "Time for which it must last.", "s", ge=0)


@dataclass(frozen=True, slots=True)
class BookWallParameters:
    """When a level of the book is a wall."""

    kind: ClassVar[AlertKind] = market(
        "book_wall", "Book wall", INFO,
        "A level within {within_bp:g} bp of the best price is {ratio:g} mean levels large, {sigmas:g} sigmas above the "
        "usual largest one, for {stay:g} s.",
        "An order near the touch is far larger than this book usually holds.",
        "Watch whether it stays as the price comes nearer: walls are often taken away.",
    )  # fmt: skip
    ratio: float = _parameter(8.0, "Least size, in mean levels.", gt=1)
    sigmas: float = _parameter(4.5, "Least distance from the symbol's usual largest level.", gt=0)
    within_bp: float = _parameter(50.0, "Distance from the best price, in basis points.", gt=0)
    stay: float = _parameter(10.0, "Time for which it must stay.", "s", ge=1)


@dataclass(frozen=True, slots=True)
class VolumeSpikeParameters:
    """When a minute's volume is a spike."""

    kind: ClassVar[AlertKind] = market(
        "volume_spike", "Volume spike", INFO,
        "It is {ratio:g} usual minutes and {sigmas:g} sigmas; by the same time of day once {min_days} days are known.",
        "A minute's volume is far above what this time of day usually has.",
        "Compare with the price move and the sides of the takers.",
    )  # fmt: skip
    ratio: float = _parameter(5.0, "Least volume, in usual minutes.", gt=1)
    sigmas: float = _parameter(3.5, "Least distance from the usual, in its spreads (logarithms).", gt=0)
    min_days: int = _parameter(3, "Time before a minute is compared with its time of day.", "d", ge=1, le=7)


@dataclass(frozen=True, slots=True)
class FundingParameters:
    """When a funding rate is extreme."""

    kind: ClassVar[AlertKind] = market(
        "funding_extreme", "Funding extreme", INFO,
        "It is {level_pct:g} % per 8 h or more; or a quarter of that, {sigmas:g} sigmas from its mean of three days.",
        "The funding rate is far from what this symbol usually pays.",
        "See who pays whom, and when it settles next.",
    )  # fmt: skip
    level_pct: float = _parameter(0.1, "Rate in percent per 8 hours that is extreme in itself.", gt=0)
    sigmas: float = _parameter(4.0, "Or a quarter of it, so far from its own mean of three days.", gt=0)


@dataclass(frozen=True, slots=True)
class OpenInterestParameters:
    """When a change of open interest counts as a surge."""

    kind: ClassVar[AlertKind] = market(
        "open_interest_surge", "Open interest surge", INFO,
        "It changes by {floor_pct:g} % and {sigmas:g} robust deviations of four hours within {window_minutes} min.",
        "Open interest changed far more than it usually does.",
        "Compare with the price: new positions, or positions closed.",
    )  # fmt: skip
    window_minutes: int = _parameter(5, "Time in which it changed.", "m", ge=1, le=60)
    sigmas: float = _parameter(8.0, "Least change, in robust deviations of the last four hours.", gt=0)
    floor_pct: float = _parameter(1.0, "Least change in percent.", gt=0)


@dataclass(frozen=True, slots=True)
class ConeTouchParameters:
    """When an edge of the forecast cone counts as touched."""

    kind: ClassVar[AlertKind] = market(
        "cone_touched", "Cone edge touched", WARNING,
        "It is at least {widths:g} × as far from the last close as the cone of the next quarter of an hour reaches on "
        "that side, beyond which 2.5 % of closes are expected; notified again at each further width.",
        "The price went further at once than it goes in nearly every quarter of an hour.",
        "See what moved with it, and whether its volatility is forecast anew.",
    )  # fmt: skip
    widths: float = _parameter(1.0, "Distance from the last close, in widths of the cone on that side.", gt=0, le=100)
    quiet: float = _parameter(900.0, "Time after the last further width until it is over.", "s", gt=0)


@dataclass(frozen=True, slots=True)
class LargeMoveParameters:
    """When a large move counts as likely."""

    kind: ClassVar[AlertKind] = market(
        "large_move_likely", "Large move likely", INFO,
        "The forecast gives a move of an hour beyond the symbol's own 80 % quantile a probability of {probability:g} "
        "or more, {ratio:g} times its own rate at least.",
        "A large move, either way, is far likelier than usual.",
        "See its cone and stops; it says how far, not which way.",
    )  # fmt: skip
    probability: float = _parameter(0.6, "Least probability.", gt=0)
    ratio: float = _parameter(2.5, "Least probability, in own rates.", gt=0)
    over: float = _parameter(0.75, "It is over below this share of what it took.", gt=0)


@dataclass(frozen=True, slots=True)
class ThinBreakParameters:
    """When a move beyond the cone is one in a thin book."""

    kind: ClassVar[AlertKind] = market(
        "thin_break", "Beyond the cone in a thin book", WORSENING,
        "It touches an edge of its cone while its spread, or its depth within {within_bp:g} bp, is what only one look "
        "in {once_in} at its own book is; with both it is critical.",
        "The price left its cone where little stood against it.",
        "Do not trust market orders in it; it may come back as fast.",
    )  # fmt: skip
    once_in: int = _parameter(100, "Of so many looks at the book (one a second) one is as unusual.", ge=10, le=100_000)
    within_bp: float = _parameter(10.0, "Distance from the middle within which the depth counts, bp.", gt=0)
    min_samples: int = _parameter(600, "Looks at the book (one a second) before one is judged.", ge=100)
    quiet: float = _parameter(900.0, "Time after the last one until it is over.", "s", gt=0)


@dataclass(frozen=True, slots=True)
class FastParameters:
    """What the event path looks for, in units of what is usual of each symbol."""

    sudden_move: SuddenMoveParameters = SuddenMoveParameters()
    market_move: MarketMoveParameters = MarketMoveParameters()
    whale_trade: WhaleTradeParameters = WhaleTradeParameters()
    liquidation: LiquidationParameters = LiquidationParameters()
    cascade: CascadeParameters = CascadeParameters()
    spread: SpreadParameters = SpreadParameters()
    book_wall: BookWallParameters = BookWallParameters()
    volume_spike: VolumeSpikeParameters = VolumeSpikeParameters()
    funding: FundingParameters = FundingParameters()
    open_interest: OpenInterestParameters = OpenInterestParameters()
    cone_touch: ConeTouchParameters = ConeTouchParameters()
    large_move: LargeMoveParameters = LargeMoveParameters()
    thin_break: ThinBreakParameters = ThinBreakParameters()


DETECTORS: Final[Mapping[str, Any]] = get_type_hints(FastParameters)
"""By the names of their sections in the configuration: the classes of the detectors' parameters."""
DETECTED: Final[tuple[AlertKind, ...]] = tuple(each.kind for each in DETECTORS.values())
"""The kinds of incidents that the fast detectors find."""
