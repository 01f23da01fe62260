"""Judges what makes an incident of a cycle, a feed, the exchange, a store and a channel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.limits import CHANNEL_GRACE_MS, CLOCK_SKEW_MS, FEED_GRACE_MS, STORE_GRACE_MS, WRONG_TOKENS
from virtuoso.model.alerts.incident import Details, Severity
from virtuoso.model.clock import iso

_STORE_KINDS = {"down": "store_down", "full": "store_full", "refusing": "store_refusing"}
_WEATHER = {
    "maintenance": Severity.CRITICAL, "rate_ban": Severity.CRITICAL, "exchange_clock": Severity.WARNING,
    "clock_skew": Severity.WARNING, "rest_down": Severity.CRITICAL, "origin_changed": Severity.CRITICAL,
}  # fmt: skip


@dataclass(slots=True)
class FeedOutage:
    """One incident from the moment a feed is lost until all its connections deliver again.

    A mute connection counts at once; one that was closed counts when it is not back within `grace_ms`.
    """

    exchange: str
    grace_ms: int = FEED_GRACE_MS
    _down: dict[int, tuple[int, str]] = field(default_factory=dict)

    def lost(self, connection: int, reason: str, now_ms: int) -> None:
        """Note that a connection went, or was never there."""
        self._down.setdefault(connection, (now_ms, reason))

    def mute(self, log: IncidentLog, connection: int, reason: str, now_ms: int) -> None:
        """Note that a connection is up but delivers nothing."""
        self.lost(connection, reason, now_ms - self.grace_ms)
        self.observe(log, now_ms)

    def back(self, log: IncidentLog, connection: int, now_ms: int) -> None:
        """Note that a connection delivers again."""
        self._down.pop(connection, None)
        self.observe(log, now_ms)

    def observe(self, log: IncidentLog, now_ms: int) -> None:
        """Fire `stale_feed` if a connection has been down for `grace_ms` or longer; resolve it once none is down."""
        down = self._down
        late = [(since, reason) for since, reason in down.values() if now_ms - since >= self.grace_ms]
        if late:
            since, reason = min(late)
            log.fire(
                "stale_feed",
                Severity.CRITICAL,
                f"no data from {self.exchange}: {reason}",
                now_ms,
                details={"connections": len(down), "reason": reason, "since_ms": since},
            )
        elif not down:
            log.resolve("stale_feed", now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeState:
    """What the exchange's adapter reports besides data: texts where something is wrong, else `None`."""

    mute: Mapping[str, str]
    """Symbol of each mute topic."""
    denied: Mapping[str, str]
    """What is said of each symbol whose subscriptions are refused."""
    maintenance: str | None
    rest_down: str | None
    origin_change: str | None
    banned_until_ms: int | None
    clock_skew_ms: float | None
    """Exchange clock less local clock, which raises no incident while it is small."""
    clock_doubt: str | None


def observe_exchange(log: IncidentLog, state: ExchangeState, now_ms: int) -> None:
    """Open an incident of the exchange when each thing begins, and resolve it when that is over."""
    _observe_topics(log, state, now_ms)
    said = _said(state)
    for kind, severity in _WEATHER.items():
        if (text := said[kind]) is not None:
            log.fire(kind, severity, text, now_ms)
        else:
            log.resolve(kind, now_ms)


def _observe_topics(log: IncidentLog, state: ExchangeState, now_ms: int) -> None:
    for topic, symbol in state.mute.items():
        text = f"{topic} says nothing of what is due, or of what other topics or lists prove"
        log.fire("mute_topic", Severity.WARNING, text, now_ms, symbol=symbol, part=topic)
    for symbol, text in state.denied.items():
        log.fire("topic_refused", Severity.WARNING, text, now_ms, symbol=symbol, part=symbol)
    for kind, holding in (("mute_topic", state.mute), ("topic_refused", state.denied)):
        for part in log.open_parts(kind):
            if part not in holding:
                log.resolve(kind, now_ms, part=part)


def _said(state: ExchangeState) -> dict[str, str | None]:
    """List what there is to say of each kind."""
    skew_ms, banned_ms, banned, skewed = state.clock_skew_ms, state.banned_until_ms, None, None
    if banned_ms is not None:
        banned = f"the exchange refuses requests: none goes out until {iso(banned_ms)}; streams go on"
    if skew_ms is not None and abs(skew_ms) >= CLOCK_SKEW_MS:
        skewed = f"this machine's clock is {-skew_ms / 1000:+.1f} s off the exchange's; ages allow for it"
    explained = state.maintenance is not None or banned is not None
    return {
        "maintenance": state.maintenance and f"the exchange serves nobody for now: {state.maintenance}",
        "rate_ban": banned,
        "exchange_clock": state.clock_doubt,
        "clock_skew": skewed,
        "rest_down": None if explained else state.rest_down,
        "origin_changed": state.origin_change,
    }


@dataclass(frozen=True, slots=True)
class StoreState:
    """How a store is (`up`, `down`, `full`, `refusing`), since when (epoch ms; `None` = never tried), what is wrong."""

    name: str
    state: str
    since_ms: int | None
    error: str | None


def observe_stores(log: IncidentLog, stores: Iterable[StoreState], now_ms: int) -> None:
    """Open an incident when a store has been gone, or full, for a moment; resolve it when it is back."""
    for store in stores:
        for state, kind in _STORE_KINDS.items():
            if store.state != state:
                log.resolve(kind, now_ms, part=store.name)
            elif store.since_ms is not None and now_ms - store.since_ms >= STORE_GRACE_MS:
                log.fire(
                    kind, Severity.WARNING, _of_store(store), now_ms, part=store.name, details={"store": store.name}
                )


def _of_store(store: StoreState) -> str:
    """Say what is wrong with a store, which names itself in most of what it says."""
    said = store.error or "it does not answer"
    said = said.removeprefix(f"{store.name}: ")
    itself = said.lower().removeprefix("the ").startswith(store.name)
    return said if itself else f"{store.name} is {store.state}: {said}"


@dataclass(frozen=True, slots=True)
class ChannelCondition:
    """How a channel is: `up`, `limited`, `down` or `disabled`, since when (epoch ms), and what is wrong."""

    name: str
    state: str
    since_ms: int | None
    error: str | None


def observe_channels(log: IncidentLog, channels: Iterable[ChannelCondition], now_ms: int) -> None:
    """Open an incident of a channel: at once if its address is gone, after a minute if it is not reached."""
    for channel in channels:
        late = channel.since_ms is not None and now_ms - channel.since_ms >= CHANNEL_GRACE_MS
        if channel.state == "disabled" or (channel.state == "down" and late):
            how = "is disabled" if channel.state == "disabled" else "delivers nothing"
            text = f"{channel.name} {how}: {channel.error or 'it does not answer'}"
            severity = Severity.CRITICAL if channel.state == "disabled" else Severity.WARNING
            log.fire("channel_down", severity, text, now_ms, part=channel.name, details={"channel": channel.name})
        elif channel.state in {"up", "limited"}:
            log.resolve("channel_down", now_ms, part=channel.name)


def observe_wrong_tokens(log: IncidentLog, count: int, client: str, now_ms: int) -> None:
    """Open an incident of wrong tokens given one after the other, the last by `client`; nobody mistypes so often."""
    if count >= WRONG_TOKENS:
        text = f"the web was given {count} wrong tokens, the last by {client or 'an unknown address'}"
        log.fire("auth_failures", Severity.WARNING, text, now_ms, details={"count": count, "client": client})
    elif count == 0:
        log.resolve("auth_failures", now_ms)


def observe_calibration(log: IncidentLog, reasons: Sequence[str], now_ms: int) -> None:
    """Tell what of the forecasts is withdrawn, by what came; one incident while anything is."""
    if reasons:
        text = f"forecasts do not hold and are withdrawn: {'; '.join(reasons)}"
        log.fire("calibration", Severity.WARNING, text, now_ms, details={"withdrawn": len(reasons)})
    else:
        log.resolve("calibration", now_ms)


def observe_cycle(
    log: IncidentLog, duration_s: float, slow_s: float, error: str | None, now_ms: int, why: str, details: Details
) -> None:
    """Judge a cycle that ended: failed, slow, or well; `why` and `details` say what took its time."""
    if error is not None:
        log.fire(
            "failed_cycle",
            Severity.CRITICAL,
            f"a pass of the monitor ended early: {error}",
            now_ms,
            details={"error": error},
        )
        return
    log.resolve("failed_cycle", now_ms)
    if duration_s >= slow_s:
        told: Details = {"duration_s": round(duration_s, 3), "budget_s": slow_s, **details}
        text = f"a cycle took {duration_s:.1f} s; its budget is {slow_s:g} s: {why}"
        log.fire("slow_cycle", Severity.WARNING, text, now_ms, details=told)
    else:
        log.resolve("slow_cycle", now_ms)
