"""Makes the labels that identify an incident and say what it is about."""

from collections.abc import Mapping

from virtuoso.model.alerts.incident import Incident

_SIDES = frozenset({"Buy", "Sell", "up", "down"})
_MARKET_WIDE = frozenset({"liquidation_cascade", "market_move", "regime_change"})
"""Kinds that are about the market even where they name no symbol."""
_OF_THE_FEED = frozenset({"mute_topic", "topic_refused"})
"""Kinds that are about the program's surroundings even where they name a symbol."""


def built(
    kind: str,
    exchange: str | None,
    symbol: str | None = None,
    side: str | None = None,
    part: str | None = None,
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Make labels of what is known; those of a rule's own come last."""
    named = (("kind", kind), ("exchange", exchange), ("symbol", symbol), ("side", side), ("part", part))
    labels = {name: str(value) for name, value in named if value}
    return labels if more is None else {**labels, **more}


def labels_of(incident: Incident, exchange: str | None) -> dict[str, str]:
    """Return its labels; of an incident stored before there were any, those that it would have now.

    Detectors then wrote symbol and side into `part`: `BTCUSDT Buy`, `BTCUSDT`, `market Sell`.
    """
    if incident.labels:
        return incident.labels
    of, side, part = incident.symbol or "market", None, incident.part
    if part == of:
        part = None
    elif part is not None and part.startswith(f"{of} ") and part[len(of) + 1 :] in _SIDES:
        side, part = part[len(of) + 1 :], None
    return built(incident.kind, exchange, incident.symbol, side, part)


def is_system(incident: Incident) -> bool:
    """Whether it is about the program and its surroundings; a user's rule says so by the label `scope`."""
    scope = incident.labels.get("scope")
    if scope is not None:
        return scope == "system"
    if incident.symbol is None:
        return incident.kind not in _MARKET_WIDE
    return incident.kind in _OF_THE_FEED
