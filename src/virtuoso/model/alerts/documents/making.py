"""Documents of how alerts are made and sent: kinds and rules in force, stages and channels."""

import msgspec

from virtuoso.model.alerts.documents.added_rules import LeftOutRule
from virtuoso.model.alerts.outbox import ChannelStatus
from virtuoso.model.clock import iso


class PolicyItem(msgspec.Struct, frozen=True, kw_only=True):
    """How the incidents of one kind live, and when people are notified of them."""

    kind: str
    """Name of the built-in kind, or of the user's rule."""
    enabled: bool
    """Whether it fires at all."""
    system: bool
    """Whether it is about the program and its surroundings, or about the market."""
    severity: str | None
    """The level of its incidents: `info`, `warning` or `critical`; `null` where the detector says it of each."""
    severities: tuple[str, ...]
    """Levels that its incidents may have when they fire, the usual one first."""
    hold: float = msgspec.field(name="for")
    """How long the condition must hold before it fires, seconds."""
    cooldown: float
    """How long nobody is notified of a new incident of the same labels, unless it is more severe, seconds."""
    rearm: float
    """How long the condition must be false before the incident is over, seconds."""
    change: float | None
    """Ratio by which the value must grow for another notification (0.5 is by half); `null` for never."""
    escalate_after: float | None
    """How long it may stay open and unacknowledged before it becomes more severe, seconds; `null` for ever."""
    channels: tuple[str, ...] | None
    """Names of the only channels that hear of it; `null` for all that take its level and scope."""
    place: str | None = None
    """File and line of the user's rule, or who added it; `null` for a built-in kind."""
    removable: bool = False
    """Whether it was added through the API, and `DELETE /api/alerts/rules/{name}` removes it."""
    when: str | None = None
    """The condition: a rule's as it stands in its file, a built-in kind's in words with the thresholds in force; `null`
    where nothing is known of it."""
    labels: dict[str, str] = {}
    """Labels that the user's rule adds; empty for a built-in kind."""
    title: str | None = None
    """What the built-in kind is called, for people; `null` for a rule."""
    meaning: str | None = None
    """What happened, in one sentence; `null` for a rule."""
    check: str | None = None
    """What to look at first, in one sentence; `null` for a rule."""


class AlertRules(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts/rules`: the built-in kinds and the user's rules, as they are in force."""

    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""
    kinds: tuple[PolicyItem, ...]
    """The built-in kinds, with what each means."""
    rules: tuple[PolicyItem, ...]
    """The user's rules, in the order of their files, then those that were added."""
    left_out: tuple[LeftOutRule, ...] = ()
    """Rules that were added and are not judged, each with the reason."""
    reason: str | None = None
    """Why there is nothing: the monitor has not published yet; `null` once it has."""


class StageItem(msgspec.Struct, frozen=True, kw_only=True):
    """What one stage let pass and withheld since the start."""

    stage: str
    """The stage: `inhibit`, `silence`, `dedup`, `cooldown`, `budget`, `group` or `route`, in this order."""
    passed: int
    """How many times it let an incident pass since the start."""
    withheld: int
    """How many times it withheld an incident since the start."""
    held: int
    """How many incidents it withholds now."""


class ChannelItem(msgspec.Struct, frozen=True, kw_only=True):
    """How one channel for alerts is now."""

    name: str
    """Name of the channel, as configured."""
    state: str
    """How it is: `up`, `down`, `limited` (no request before `not_before`) or `disabled` (its address is gone)."""
    since: str | None
    """Since when it is so, ISO 8601 in UTC; `null` where that is not known."""
    not_before: str | None
    """Before when nothing is sent, ISO 8601 in UTC; `null` where it may be at once."""
    error: str | None
    """Why it is not up; `null` where it is."""
    waiting: int
    """How many messages wait for it now, the one being sent included."""
    dead: int
    """How many messages it will never take, to be looked at by people."""
    oldest: str | None
    """When the oldest message that waits was made, ISO 8601 in UTC; `null` where none waits."""
    counters: dict[str, int]
    """How many messages since the start, by what became of them: `sent` (`edited` and `digests` among them), `failed`
    attempts, `repeats`, `dead`, `moved` to the fallback, `illustrated`."""


class AlertPipeline(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts/pipeline`: what became of the incidents since the start, and how the channels are."""

    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""
    fired: int
    """How many incidents fired since the start."""
    resolved: int
    """How many incidents ended since the start, in whatever way."""
    open: int
    """How many incidents hold now."""
    stages: tuple[StageItem, ...]
    """The stages, in the order in which an incident goes through them."""
    channels: tuple[ChannelItem, ...]
    """The configured channels."""
    reason: str | None = None
    """Why there is nothing: the monitor has not published yet; `null` once it has."""


def channel_of(status: ChannelStatus) -> ChannelItem:
    """Turn the status of a channel into the item that the API lists."""
    return ChannelItem(
        name=status.name,
        state=status.state,
        since=iso(status.since_ms),
        not_before=iso(status.not_before_ms),
        error=status.error,
        waiting=status.waiting,
        dead=status.dead,
        oldest=iso(status.oldest_ms),
        counters=status.counters,
    )
