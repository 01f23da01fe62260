"""What the committer deals with: the database as it sees it, and what earlier runs stored in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from virtuoso.analysis.checkpoint import Checkpoint
from virtuoso.analysis.percentile import PastDay
from virtuoso.analysis.regimes.dwell import Transition
from virtuoso.model.alerts.added_rule import AddedRule
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.model.signal import Label
from virtuoso.monitor.regimes import RegimesCheckpoint
from virtuoso.storage.database.queries import LastLabel
from virtuoso.storage.database.records import Changes, Lived, StateRecord, TransitionRecord


class RestartState(msgspec.Struct, frozen=True, kw_only=True):
    """The state that a restart goes on from, as of the base close `close_ms`."""

    close_ms: int
    checkpoints: dict[str, Checkpoint] = msgspec.field(name="standings")
    recorded: dict[str, Label | None]
    regimes: RegimesCheckpoint


class StateStore(Protocol):
    """The database, as it is used here. Calls raise `StoreUnavailable`, or `Superseded` when the lease is lost."""

    async def commit(self, changes: Changes) -> None:
        """Store all changes in one transaction, or none of them."""
        ...

    async def state(self, key: str) -> StateRecord | None:
        """Read what was stored under a name; `None` when nothing was."""
        ...

    async def incidents(self, limit: int, notified_since_ms: int) -> tuple[Incident, ...]:
        """The latest incidents, and all that are open, undecided, or notified since then; newest first."""
        ...

    async def transitions(self, limit: int) -> tuple[TransitionRecord, ...]:
        """The latest transitions, newest first."""
        ...

    async def outcomes(self, now_ms: int) -> tuple[Outcome, ...]:
        """What followed alerts: those not settled, and those of the year before `now_ms`; newest first."""
        ...

    async def added_rules(self) -> tuple[AddedRule, ...]:
        """The rules that people added, the oldest first."""
        ...

    async def last_labels(self) -> Mapping[str, LastLabel]:
        """By symbol, the latest signal that this monitor kept."""
        ...


class LivedRows(Protocol):
    """What was lived, on its way to the database."""

    @property
    def waiting(self) -> int:
        """How many rows are not kept yet."""
        ...

    def take(self) -> Lived | None:
        """Take a batch of rows to be stored, the oldest first; `None` when none waits."""
        ...

    def kept(self, lived: Lived) -> None:
        """What was taken is in the database."""
        ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """What earlier runs stored, to go on from.

    Attributes:
        state: what to go on from; `None` where there is none that this program reads.
        transitions: the latest, newest first.
        incidents: oldest first.
        labels: by symbol, the latest signal in the history: it may be later than the state.
        past: the days of the past of scores.
        outlook: by name, what of the outlook was kept (see `arrays.NAMES`).
        alerts: what alerting goes on from, as it said.
        outcomes: what followed alerts, oldest first: all that are not settled, and the settled ones of the last year.
        rules: those that people added.
    """

    state: RestartState | None = None
    transitions: tuple[Transition, ...] = ()
    incidents: tuple[Incident, ...] = ()
    labels: Mapping[str, LastLabel] = field(default_factory=dict)
    past: tuple[PastDay, ...] = ()
    outlook: Mapping[str, str] = field(default_factory=dict)
    alerts: str | None = None
    outcomes: tuple[Outcome, ...] = ()
    rules: tuple[AddedRule, ...] = ()
