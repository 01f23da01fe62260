"""The lease as a machine: who may hold an identity, decided from what is seen of its row; no I/O, no wall clock.

The row carries an epoch (rises with every change of holder), a beat (rises with every renewal) and the holder. A
newcomer never compares clocks: it watches whether the beat moves. See docs/decisions/0009-lease-and-fencing.md.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from virtuoso.model.errors import VirtuosoError

LEASE_S: Final = 5.0
"""After this long without a renewal a holder may be replaced, and publishes nothing before it has renewed."""


class Superseded(VirtuosoError):
    """Another holder has a higher epoch: this process must put nothing out any more.

    Attributes:
        epoch: the higher epoch.
        holder: who has it, for people; `None` when that is not known.
    """

    def __init__(self, epoch: int, holder: str | None) -> None:
        super().__init__(f"the lease was taken over by {holder or 'another process'} (epoch {epoch})")
        self.epoch = epoch
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Term:
    """The right to write for an identity, as long as no higher epoch is there."""

    identity: str
    epoch: int


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """The row as a newcomer sees it; `holder` is `None` when the lease was given back."""

    epoch: int
    beat: int
    holder: str | None
    process: str | None


class Decision(Enum):
    """What a process that wants the lease does next."""

    TAKE = auto()
    WAIT = auto()
    GIVE_UP = auto()


class Watch:
    """A newcomer's watch over the row, by its own monotonic clock.

    It takes what is free, what a dead process held, and what was not renewed for a whole lease in which the newcomer
    itself could write (so that a database that was down or full for everyone costs nobody the lease). It gives up
    when it has waited a lease and sees a renewal.
    """

    def __init__(self, lease_ns: int, now_ns: int) -> None:
        self._lease_ns = lease_ns
        self._began_ns = now_ns
        self._seen: tuple[int, int] | None = None
        self._since_ns = now_ns
        self._last_ns = now_ns

    def observe(self, row: LeaseRow | None, began_ns: int, now_ns: int, *, dead: bool) -> Decision:
        """After a look that began and ended then; `dead`: the holder's process is proved to be gone."""
        if row is None or row.holder is None or dead:
            return Decision.TAKE
        seen = (row.epoch, row.beat)
        late = now_ns - self._last_ns > self._lease_ns // 2  # the database may have been away in between
        moved = self._seen is not None and seen != self._seen
        self._last_ns = now_ns
        if seen != self._seen or late:
            self._seen, self._since_ns = seen, now_ns
        if moved and now_ns - self._began_ns >= self._lease_ns:
            return Decision.GIVE_UP
        return Decision.TAKE if began_ns - self._since_ns >= self._lease_ns else Decision.WAIT

    def missed(self) -> None:
        """Watch anew, because a look or an attempt to take failed: the holder could not renew then either."""
        self._seen = None

    def rest_ns(self, now_ns: int) -> int:
        """How long this watch must still go on, ns."""
        return max(0, self._since_ns + self._lease_ns - now_ns)


class Tenure:
    """A holder's own view of whether it may publish.

    Every renewal that was confirmed is good for one lease from the moment it was *begun*. An attempt that failed
    because the database is away counts as well, for nobody else can take the lease then, but only while the earlier
    one was still good: after a pause of a lease or more (the monotonic clock goes on while a process is stopped)
    nothing but a confirmed renewal helps.
    """

    def __init__(self, epoch: int, lease_ns: int, began_ns: int) -> None:
        self.epoch = epoch
        self.lost: Superseded | None = None
        self._lease_ns = lease_ns
        self._good_from_ns = began_ns

    def may_publish(self, now_ns: int) -> bool:
        """Whether anything may be put out now."""
        return self.lost is None and now_ns - self._good_from_ns < self._lease_ns

    def renewed(self, began_ns: int) -> None:
        """Note that a renewal begun then found our epoch in the row."""
        self._good_from_ns = max(self._good_from_ns, began_ns)

    def failed(self, began_ns: int, now_ns: int) -> None:
        """Note that a renewal begun then could not reach the database, or found it full."""
        if self.may_publish(now_ns):
            self._good_from_ns = max(self._good_from_ns, began_ns)

    def superseded(self, epoch: int, holder: str | None) -> bool:
        """Someone was seen with `epoch`; `True` when that ends this tenure. A lower or equal one means nothing."""
        if self.lost is None and epoch > self.epoch:
            self.lost = Superseded(epoch, holder)
            return True
        return False


def next_epoch(held: int | None, now_s: int) -> int:
    """Higher than the last; and no lower than the time, so that it rises even after the database was lost."""
    return now_s if held is None else max(held + 1, now_s)
