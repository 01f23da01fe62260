"""Bars as they stood at a moment of a recording: those of answers, then those made of streamed minutes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_MINUTE_MS = 60_000
_NAMES = ("open", "high", "low", "close", "volume", "turnover")


def streamed(bars: Mapping[int, Mapping[str, Any]]) -> list[list[str]]:
    """Make bars of a topic items of an answer, oldest first."""
    return [[str(at), *(bar[name] for name in _NAMES)] for at, bar in sorted(bars.items())]


def merged(answered: list[list[str]], minutes: Mapping[int, Mapping[str, Any]], length_ms: int) -> list[list[str]]:
    """Bars of a length: from the last that was answered on they are made of minutes, where all of them are known."""
    found = {int(item[0]): item for item in answered}
    last_ms = max(found, default=0)
    if length_ms == _MINUTE_MS:
        found |= {int(item[0]): item for item in streamed(minutes) if int(item[0]) >= last_ms}
        return [found[at] for at in sorted(found)]
    groups: dict[int, list[int]] = {}
    for at in sorted(minutes):
        if at // length_ms * length_ms >= last_ms:
            groups.setdefault(at // length_ms * length_ms, []).append(at)
    for open_ms, times in groups.items():
        if times == list(range(open_ms, open_ms + len(times) * _MINUTE_MS, _MINUTE_MS)):
            found[open_ms] = _joined(open_ms, [minutes[at] for at in times])
    return [found[at] for at in sorted(found)]


def _joined(open_ms: int, minutes: list[Mapping[str, Any]]) -> list[str]:
    volume, turnover = (f"{sum(Decimal(each[name]) for each in minutes):f}" for name in ("volume", "turnover"))
    high = max((each["high"] for each in minutes), key=Decimal)
    low = min((each["low"] for each in minutes), key=Decimal)
    return [str(open_ms), minutes[0]["open"], high, low, minutes[-1]["close"], volume, turnover]
