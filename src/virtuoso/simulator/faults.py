"""Weather to order: which faults there are, what each needs, and which are in force."""

import msgspec

_NEEDS: dict[str, tuple[str, ...]] = {
    "mute": (), "mute_topic": ("topic",), "disconnect": (), "refuse": (), "slow_accept": ("latency_ms",),
    "latency": ("latency_ms",), "maintenance": (), "busy": (), "reject": (), "ban": (),
    "drop_delta": ("topic",), "duplicate_delta": ("topic",), "reorder_delta": ("topic",), "cross_delta": ("topic",),
    "restart_book": ("topic",), "frozen_time": (), "clock_skew": ("skew_ms",), "truncated": (), "malformed": (),
    "empty_numbers": ("topic",), "missing_numbers": ("topic",), "unknown_topic": (), "missing_minutes": ("symbol",),
    "delist": ("symbol",), "rename": ("symbol", "to"), "list": ("symbol", "to"),
}  # fmt: skip
COUNTED = frozenset({"drop_delta", "duplicate_delta", "reorder_delta", "cross_delta", "restart_book"})
AT_ONCE = frozenset({"disconnect"})


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One order; what each fault does stands in `docs/exchange.md`.

    `for_s` bounds all but those that happen at once or hit the next `count` frames of `topic`. `topic` may end in `*`.
    """

    fault: str
    for_s: float = 30.0
    topic: str | None = None
    symbol: str | None = None
    to: str | None = None
    count: int = 1
    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    skew_ms: float = 0.0
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.fault not in _NEEDS:
            raise ValueError(f"no fault {self.fault!r}; there are: {', '.join(sorted(_NEEDS))}")
        for name in _NEEDS[self.fault]:
            if not getattr(self, name):
                raise ValueError(f"{self.fault} needs {name}")
        if not 0 < self.for_s <= 86_400:
            raise ValueError("for_s must be in (0, 86400] seconds")
        if not 1 <= self.count <= 1000:
            raise ValueError("count must be in [1, 1000]")
        if not 0 <= self.latency_ms <= 60_000 or not 0 <= self.jitter_ms <= 60_000:
            raise ValueError("latency_ms and jitter_ms must be in [0, 60000]")
        if not 0 < self.share <= 1:
            raise ValueError("share must be in (0, 1]")

    def hits(self, topic: str) -> bool:
        """Whether it is about this topic."""
        wanted = self.topic or "*"
        return topic == wanted or (wanted.endswith("*") and topic.startswith(wanted[:-1]))


class Faults:
    """The faults in force. Times are monotonic seconds; a new order of a kind and subject replaces the old one."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], tuple[Fault, float, float]] = {}
        self._left: dict[tuple[str, str], int] = {}

    def order(self, fault: Fault, now_s: float) -> None:
        """Put a fault in force for its `for_s` seconds; one that acts at once is not kept."""
        if fault.fault not in AT_ONCE:
            key = (fault.fault, fault.topic or fault.symbol or "")
            self._until[key] = (fault, now_s, now_s + fault.for_s)
            if fault.fault in COUNTED:
                self._left[key] = fault.count

    def clear(self) -> None:
        """End all faults, those too that were ordered for a time."""
        self._until.clear()
        self._left.clear()

    def __bool__(self) -> bool:
        return bool(self._until)

    def get(self, kind: str, now_s: float) -> Fault | None:
        """The latest fault of a kind in force."""
        found = self.all(kind, now_s)
        return found[-1] if found else None

    def all(self, kind: str, now_s: float) -> list[Fault]:
        """Every fault of a kind in force."""
        return [fault for (of, _), (fault, _, until) in self._until.items() if of == kind and now_s < until]

    def end(self, fault: Fault) -> None:
        """End a fault that has done what it was ordered for."""
        self._until.pop((fault.fault, fault.topic or fault.symbol or ""), None)

    def since_s(self, fault: Fault) -> float:
        """Return when a fault that is kept was ordered, in monotonic seconds."""
        return self._until[fault.fault, fault.topic or fault.symbol or ""][1]

    def on_topic(self, kind: str, topic: str, now_s: float) -> Fault | None:
        """The fault of a kind that hits a topic; one that is counted is counted down."""
        for fault in self.all(kind, now_s):
            if fault.hits(topic):
                return self._counted(fault)
        return None

    def _counted(self, fault: Fault) -> Fault:
        key = (fault.fault, fault.topic or "")
        if key in self._left:
            self._left[key] -= 1
            if not self._left[key]:
                del self._left[key], self._until[key]
        return fault

    def state(self, now_s: float) -> list[dict[str, object]]:
        """What is in force, with the seconds left."""
        items = []
        for key, (fault, _, until) in list(self._until.items()):
            if now_s >= until:
                del self._until[key]
                self._left.pop(key, None)
                continue
            item = {name: value for name, value in msgspec.structs.asdict(fault).items() if value is not None}
            items.append(item | {"left_s": round(until - now_s, 1), "left_count": self._left.get(key)})
        return items
