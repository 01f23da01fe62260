"""The oracle: what is served, held against what the proxy knows to be so. No statement served is untrue."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.faults.hostile.case import Subject
from tests.faults.hostile.seen import Seen

_PATIENCE_S = 12.0
"""Ten seconds until a feed is stale, and two until that is served."""
_PROVEN_S = 35.0
"""Silence proves nothing: another topic must tell that there was something to say, and quiet symbols trade late."""
_BAND_S = 30.0
_OFF = {"price": 0.0005, "mark_price": 0.01, "index_price": 0.01, "bid": 0.005, "ask": 0.005}
"""How far from the true prices of the half minute before it was told each may be."""
_GRACE = {"health": 22, "overview": 22}
"""Looks for which documents of different age may disagree."""
_HOUR_S = 3_600.0
_LABEL_S, _PUBLISHED_S = 120.0, 2.0
"""A label is told until two base bars after the close of its minute (docs/methodology.md), as of each publication."""
_PATHS = {"tickers": "/v5/market/tickers ", "kline": "/v5/market/kline {}", "orderbook": "/v5/market/orderbook {}",
          "publicTrade": "/v5/market/recent-trade {}"}  # fmt: skip


class Doubts:
    """Holds what is served against the truth, look after look; documents of different age may disagree for a moment."""

    def __init__(self, subject: Subject, *, blind: bool = False) -> None:
        self._subject, self._blind = subject, blind
        self._looks: dict[str, int] = {}
        self._live_s: dict[str, float] = {}
        """When each symbol was last seen live."""

    def hold_true(self, seen: Seen) -> None:
        """No statement served is untrue."""
        for symbol, row in seen.symbols.items():
            if row["data_quality"] == "live":
                self._live_s[symbol] = seen.at_s
        untrue = untruths(seen, self._subject, self._live_s, blind=self._blind)
        self._looks = {key: self._looks.get(key, 0) + 1 for key in untrue}
        for key, text in untrue.items():
            assert self._looks[key] < _GRACE.get(key.partition(" ")[0], 1), text


def untruths(seen: Seen, subject: Subject, live_s: Mapping[str, float], *, blind: bool = False) -> dict[str, str]:
    """What is served and is not so, each by a name of its own."""
    found = {}
    for name, row in seen.topics.items():
        if row["data_quality"] == "live" and not _is_proven(name, row, subject):
            found[f"topic {name}"] = (
                f"{name} is called live, but nothing true of it came for {_PATIENCE_S} s: {_known(name, row, subject)}"
            )
    if not blind:
        for symbol, row in seen.symbols.items():
            found |= _of_symbol(symbol, row, live_s.get(symbol, seen.at_s), seen, subject)
    if seen.healthy and all(row["data_quality"] != "live" for row in seen.status["feeds"]):
        found["health"] = f"healthy, but nothing is live: {seen.health}"
    dark = sorted(name for name in seen.not_live if _speaks(name))
    if seen.overview["data_quality"] == "live" and dark:
        found["overview"] = f"the overview is called live, but {dark[:5]} are not"
    if strangers := seen.symbols.keys() - subject.proxy.truth.symbols:
        found["universe"] = f"watched, but not listed: {sorted(strangers)}"
    for symbol, row in seen.signals.items():
        if row["signal"] is not None and (wrong := _unfresh(symbol, row, seen, subject)) is not None:
            found[f"label {symbol}"] = f"{symbol} has the label {row['signal']} {wrong}"
    return found


def _known(name: str, row: Any, subject: Subject) -> str:
    truth, now_s = subject.proxy.truth, subject.now_s()
    since = {"spoilt": truth.spoilt_s, "owed": truth.owed_s, "hit": truth.hit_s}
    ago = {word: round(now_s - times[name], 1) for word, times in since.items() if name in times}
    return f"served {row}, seconds since {ago}"


def _unfresh(symbol: str, row: Any, seen: Seen, subject: Subject) -> str | None:
    """Why a label has no fresh inputs: its minute closed too long ago, or nothing of the symbol is known by now."""
    if row["timestamp"] is None:
        return "without a reading"
    age_s = epoch_s(seen.status["timestamp"]) - epoch_s(row["timestamp"])
    if not -_PUBLISHED_S <= age_s <= _LABEL_S + _PUBLISHED_S:
        return f"of a minute that closed {age_s:.0f} s ago"
    if row["data_quality"] in ("stale", "unavailable"):
        return f"though its data is {row['data_quality']}"
    topics = {name: feed for name, feed in seen.topics.items() if feed["symbol"] == symbol and _speaks(name)}
    # An answer tells of a symbol before the status says that it is polled, and after it says that it is no more.
    answered_s = (subject.proxy.truth.answered_s.get(path.format(symbol)) for path in _PATHS.values())
    if any(at_s is not None and subject.now_s() - at_s <= _PATIENCE_S for at_s in answered_s):
        return None
    if not any(_is_proven(name, feed, subject) for name, feed in topics.items()):
        return f"though nothing true of it came for {_PATIENCE_S} s"
    return None


def _speaks(topic: str) -> bool:
    """Whether its silence would mean anything: there may be no liquidations for hours."""
    return not topic.startswith("allLiquidation")


def _is_proven(name: str, row: Any, subject: Subject) -> bool:
    truth, now_s = subject.proxy.truth, subject.now_s()
    if not _speaks(name):
        return True  # it can be judged by its acknowledgement alone
    if row["polled_s"] is None:
        spoilt_s, owed_s = (now_s - since.get(name, now_s) for since in (truth.spoilt_s, truth.owed_s))
        return spoilt_s <= _PATIENCE_S and owed_s <= _PROVEN_S
    kind, symbol = name.partition(".")[0], name.rpartition(".")[2]
    at_s = truth.answered_s.get(_PATHS[kind].format(symbol))
    return at_s is not None and now_s - at_s <= 2 * row["polled_s"] + 4.0


def _of_symbol(symbol: str, row: Any, live_s: float, seen: Seen, subject: Subject) -> dict[str, str]:
    found = {}
    now_s, age_s = epoch_s(seen.status["timestamp"]), 0.0
    if row["data_quality"] == "stale" and row["updated_at"] is not None:  # told as what it was when it was last live
        age_s = max(now_s - epoch_s(row["updated_at"]), seen.at_s - live_s)
    band = subject.proxy.truth.band(symbol, subject.now_s() - age_s - _BAND_S)
    for name, off in _OFF.items():
        value = row[name]
        if band and value is not None and not band[0] * (1 - off) <= value <= band[1] * (1 + off):
            found[f"value {symbol} {name}"] = (
                f"{symbol} {name} {value} ({row['data_quality']}), the market is at {band}"
            )
    if row["updated_at"] is not None and abs(epoch_s(row["updated_at"]) - now_s) > _HOUR_S:
        found[f"time {symbol}"] = f"{symbol} was updated at {row['updated_at']}"
    funding = row["next_funding"]
    if funding is not None and not -_HOUR_S <= epoch_s(funding) - now_s <= 25 * _HOUR_S:
        found[f"funding {symbol}"] = f"{symbol} is funded next at {funding}"
    return found


def epoch_s(text: str) -> float:
    """Seconds since the epoch of a time that is served."""
    return datetime.fromisoformat(text).timestamp()
