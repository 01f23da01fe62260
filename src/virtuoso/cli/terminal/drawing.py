"""Small drawings for a terminal: sparklines, bars from the middle, and numbers in columns."""

from collections.abc import Sequence

from rich.text import Text

from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Band, Label
from virtuoso.model.text.numbers import UNKNOWN, number_text

_ACRONYMS = frozenset({"adl", "adx", "cci", "cmf", "di", "macd", "obv", "poc", "rsi", "vpin", "vwap"})
_STEPS = "▁▂▃▄▅▆▇█"
_LABELS = {Label.BUY: "bold green", Label.SELL: "bold red", Label.HOLD: "bold"}
_QUALITIES = {
    DataQuality.LIVE: "green",
    DataQuality.DELAYED: "yellow",
    DataQuality.PARTIAL: "yellow",
    DataQuality.STALE: "red",
    DataQuality.UNAVAILABLE: "red",
}


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values as blocks between their least and greatest; all in the middle when they are equal."""
    shown = list(values)[-width:] if width > 0 else []
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if high == low:
        return _STEPS[3] * len(shown)
    return "".join(_STEPS[min(7, int((value - low) / (high - low) * 8))] for value in shown)


def signed_bar(value: float, side: int) -> str:
    """A bar from the middle, to the right for `value` > 0: `2·side + 1` characters for [-1, 1], by half characters."""
    halves = round(min(1.0, abs(value)) * 2 * side)
    whole, half = divmod(halves, 2)
    if value < 0:
        return f"{'▐' * half + '█' * whole:>{side}}│{'':{side}}"
    return f"{'':{side}}│{'█' * whole + '▌' * half:<{side}}"


def drawn(value: float | None, side: int) -> Text:
    """`value` in [-1, 1] as a coloured bar; unknown is an empty place, not the middle."""
    if value is None:
        return Text(" " * (2 * side + 1))
    return Text(signed_bar(value, side), style(value))


def of_score(score: float | None) -> float | None:
    """A score in [0, 100] as a value in [-1, 1]."""
    return None if score is None else (score - 50.0) / 50.0


def style(value: float | None) -> str:
    """Return the colour for a value by its sign: green, red, none for zero, dim for unknown."""
    return "dim" if value is None else "green" if value > 0 else "red" if value < 0 else ""


def number(value: float | None, digits: int, *, signed: bool = False) -> str:
    """With thousands set off; unknown is a dash, and what rounds to zero has no sign."""
    if value is None:
        return UNKNOWN
    rounded = round(value, digits) or 0.0
    return f"{rounded:{'+' if signed and rounded else ''},.{digits}f}"


def points(value: float | None, digits: int = 1) -> Text:
    """Write a number with its sign, coloured by it."""
    return Text(number(value, digits, signed=True), style(value))


def percent(value: float | None) -> Text:
    """A signed and coloured percentage."""
    return Text(UNKNOWN if value is None else f"{number(value, 2, signed=True)} %", style(value))


def raw(value: float | None, digits: int = 4) -> str:
    """A raw value of any magnitude, to `digits` significant digits."""
    return number_text(value, digits)


def words(name: str) -> str:
    """Write a name as in a sentence: `open_interest` → `open interest`."""
    return " ".join(part.upper() if part in _ACRONYMS else part for part in name.split("_"))


def initials(name: str) -> str:
    """Two letters for a name: the first of two words, or the first two of one."""
    parts = name.split("_")
    return (parts[0][0] + parts[1][0] if len(parts) > 1 else name[:2]).upper()


def label(signal: Label | None) -> Text:
    """A label in its colour; unknown is a dash."""
    return Text(UNKNOWN, "dim") if signal is None else Text(signal, _LABELS[signal])


def band(found: Band | None) -> Text:
    """A band: bold where it is stretched, whichever way; unknown is a dash."""
    if found is None:
        return Text(UNKNOWN, "dim")
    return Text(found, "dim" if found is Band.BALANCED else "bold")


def quality(value: DataQuality) -> Text:
    """Write a data quality in its own colour."""
    return Text(value, _QUALITIES[value])


def source(value: DataSource | None) -> Text:
    """What the data is, loud when it is not the live market."""
    if value in (None, DataSource.LIVE):
        return Text(value or "source unknown", "green" if value else "dim")
    return Text(f"{value.upper()}: not the live market", "bold yellow")


def clock_time(iso: str | None) -> str:
    """The time of day of an ISO 8601 time in UTC."""
    return UNKNOWN if iso is None else f"{iso[11:19]} UTC"
