"""A case: how the exchange is made odd, and everything that must, and must not, come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

from tests.faults.hostile.odd import Edit
from tests.faults.hostile.proxy import Proxy
from tests.faults.hostile.seen import Seen
from tests.faults.hostile.told import REFUSED

if TYPE_CHECKING:
    from tests.faults.hostile.judge import Story

VICTIM = "SOLUSDT"
"""The symbol that is hit where one is."""


class Subject(Protocol):
    """A monitor with a proxy before its exchange: in virtual time, or a program of its own."""

    proxy: Proxy
    tolerated: frozenset[str]
    """Qualities of what is not hit: on a machine that may be busy, for a moment also `delayed`."""

    def now_s(self) -> float:
        """The subject's time."""
        ...

    def edit(self, edit: Edit) -> None:
        """From now on the exchange is odd in this way."""
        ...

    def cut(self) -> None:
        """Cut every stream."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def seen(self) -> Seen:
        """What is served now."""
        ...

    def memory(self) -> int:
        """Resident bytes of whatever runs the monitor."""
        ...

    def bars(self, symbol: str, since_s: float) -> tuple[dict[int, Any], dict[int, Any]]:
        """The symbol's closed minutes since then, by their open: as the program holds them, and the exchange's own."""
        ...


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault and what it gives; every text is of the scoreboard."""

    name: str
    sent: str
    edit: Callable[[], Edit]
    seconds: float = 16.0
    """It lasts at least so long."""
    awaited: float = 0.0
    """Within how many seconds its incidents must be told, some seconds after which it ends."""
    minute: bool = False
    """Whether it lasts until a minute has closed of which it spoilt the last seconds, and was made good."""
    cut: bool = False
    """Whether every stream is cut as it begins: what concerns subscriptions shows only when they are asked for."""
    not_live: tuple[str, ...] = ()
    """Topics (patterns) that are not live in time, nor again by their stream while it lasts."""
    may: tuple[str, ...] = ()
    """Topics that may be anything for a while, as long as it is true."""
    incidents: Mapping[str, int] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """Kinds that may be told of besides."""
    healthy: bool | None = True
    """What `/health` says in the end; `None`: either, by what can be asked for instead."""
    recover: float = 40.0
    """Within how many seconds all is well again: a quiet symbol's next frame is waited for."""
    universe: Callable[[set[str]], set[str]] = field(default=lambda before: before)
    """The symbols watched at the end of the fault, given those before."""
    check: "Callable[[Story], None] | None" = None
    lasting: bool = False
    """Whether what it changes stays so, and is recovered from as it is; nothing else is lived through after it."""
    blind: bool = False
    """Whether truth itself is edited: served values are then those of the edited exchange."""
    victims: tuple[str, ...] = (VICTIM,)

    def counts(self, kind: str) -> bool:
        """Whether it is told of because of the fault, and must be expected.

        A topic of which every frame is refused is mute too, sooner or later, and where a bar closes meanwhile that was
        asked for too early, it is corrected: both are told besides.
        """
        return kind not in self.also and not (kind in {"mute_topic", "bars_corrected"} and REFUSED in self.incidents)

    def is_hit(self, topic: str) -> bool:
        """Whether the topic must not be live."""
        return any(fnmatchcase(topic, pattern) for pattern in self.not_live)

    def may_be_hit(self, topic: str) -> bool:
        """Whether it may be anything."""
        return self.is_hit(topic) or any(fnmatchcase(topic, pattern) for pattern in self.may)

    @property
    def quality(self) -> str:
        """For the scoreboard."""
        if not self.not_live and "*" in self.may:
            return "for a while not live where it is hit"
        if not self.not_live:
            hit = ", ".join(f"`{pattern}`" for pattern in self.may)
            return f"{hit} as it comes, the others `live`" if hit else "`live`"
        named = ", ".join(f"`{pattern}`" for pattern in self.not_live)
        return "everything not live" if self.not_live == ("*",) else f"{named} not live, the others `live`"

    @property
    def incident(self) -> str:
        """For the scoreboard."""
        told = [f"`{kind}`" + (f" × {n}" if n > 1 else "") for kind, n in self.incidents.items()]
        return ", ".join(told) or "none"
