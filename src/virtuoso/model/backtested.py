"""How good forecasts were on months kept apart: shipped constants, never mixed with what is lived.

`make track-record` writes `backtested.json` together with the page that has the same figures, `docs/track-record.md`.
"""

from importlib.resources import files
from typing import Final

import msgspec

Measured = tuple[float, float | None, float | None]
"""A figure and the ends of its 95 % interval over blocks of days, `None` where too few days were there for one."""


class BacktestedSet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A set of recorded months that forecasts were walked forward over, each from an empty fit."""

    set: str
    """Its name in the track record, `docs/track-record.md`."""
    title: str
    """What it is: months, symbols and bars."""
    since: str
    """The first close that was judged, ISO 8601 in UTC."""
    until: str
    """The last close that was judged, ISO 8601 in UTC."""


class BacktestedForecast(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How good the forecasts of one horizon were on one set: each figure with the ends of its 95 % interval."""

    set: str
    """Name of the set, one of `backtested_on`."""
    large_move_skill: Measured | None
    """Skill of `large_move`: 1 less the ratio of its Brier score to that of each symbol's own past rate, so 0 is no
    better than the rate; with its interval. `null` where it is not forecast that far."""
    volatility_r2: Measured | None
    """R² of log realised volatility by `volatility`: 1 less the ratio of squared errors to those of each symbol's own
    past mean; with its interval. `null` where it was not measured."""
    cone_50: Measured | None
    """Share, 0–1, of closing returns inside the 50 % band of `cone`, with its interval; `null` where it was not
    measured."""
    cone_80: Measured | None
    """The same share, 0–1, of the 80 % band; `null` where it was not measured."""
    cone_95: Measured | None
    """The same share, 0–1, of the 95 % band; `null` where it was not measured."""


class Backtested(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured: the sets, and of each horizon (in minutes) the figures of each set."""

    sets: tuple[BacktestedSet, ...]
    horizons: dict[int, tuple[BacktestedForecast, ...]]


def shipped() -> Backtested:
    """What is shipped; raises `msgspec.ValidationError` where the file is not of this make."""
    return msgspec.json.decode(files("virtuoso.model").joinpath("backtested.json").read_bytes(), type=Backtested)


BACKTESTED: Final = shipped()
