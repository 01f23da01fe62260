"""The keys of alerts: what raises an incident, who is told of it, and how often."""

import difflib
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from virtuoso.config.channels import (
    BUILT_IN,
    ChannelSettings,
    ConsoleSettings,
    DatabaseChannelSettings,
    DiscordAddress,
    DiscordSettings,
    Least,
    WebAddress,
    one_of,
)
from virtuoso.config.detectors import FastSettings, SuddenMoveSettings
from virtuoso.config.section import FilePath, Names, Section
from virtuoso.config.values.durations import Duration, Milliseconds, Seconds
from virtuoso.config.values.texts import ChannelName, TimeOfDay, WebLink
from virtuoso.model.catalogue.kinds import MARKET_KINDS, SYSTEM_KINDS

_YEAR_S = 31_536_000
UpToYear = Annotated[float, Field(ge=0, le=_YEAR_S), Duration("s")]
Percent = Annotated[float, Field(gt=0, le=100)]
Times = Annotated[tuple[TimeOfDay, ...], Field(strict=False)]
Paths = Annotated[tuple[FilePath, ...], Field(strict=False)]


def _known_kind(kind: str) -> str:
    if kind not in MARKET_KINDS + SYSTEM_KINDS:
        raise ValueError(f"unknown kind{nearest(kind, sorted(MARKET_KINDS + SYSTEM_KINDS))}")
    return kind


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or else all that there are."""
    names = list(known)
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {match[0]}?" if match else f"; there are {', '.join(names)}"


Kind = Annotated[str, AfterValidator(_known_kind)]


class KindSettings(Section):
    """What is different for one kind; null: as for all."""

    enabled: bool = Field(default=True, description="Whether it raises incidents at all.")
    severity: Least | None = Field(None, description="Severity, whatever the detector says.")
    for_: UpToYear | None = Field(None, alias="for", description="Time for which the condition must hold.")
    cooldown: UpToYear | None = Field(None, description="Time in which an identity is not told again.")
    rearm: UpToYear | None = Field(None, description="Time for which it must be over before it is resolved.")
    change: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Notify again when its value has grown by this ratio (0.5: half); null: never.",
    )
    escalate_after: Annotated[float, Field(gt=0, le=_YEAR_S), Duration("s")] | None = Field(
        None, description="Time unacknowledged until it is one more severe; null: never."
    )
    channels: Names | None = Field(None, description="Who is told; null: whom the channels' own settings say.")


class TtlSettings(Section):
    """Time after which a message that could not be sent is not worth sending."""

    info: Seconds = Field(3_600.0, ge=1, description="Of an info.")
    warning: Seconds = Field(21_600.0, ge=1, description="Of a warning.")
    critical: Seconds = Field(86_400.0, ge=1, description="Of what is critical.")


class CpuAlertSettings(Section):
    """When this machine's processors are too busy."""

    threshold: Percent = Field(90.0, description="Percent of all processors, from which it counts.")
    hold: UpToYear = Field(60.0, description="Time for which it must last.")
    use_system_webhook: bool = Field(default=True, description="Whether it goes to the system webhook.")


class UsageAlertSettings(Section):
    """When this machine's memory, or the disk of `data_dir`, is too full."""

    threshold: Percent = Field(90.0, description="Percent in use, from which it counts.")
    hold: UpToYear = Field(60.0, description="Time for which it must last.")


class LoopLagAlertSettings(Section):
    """When a late event loop becomes an incident."""

    threshold: Milliseconds = Field(
        500.0, gt=0, le=60_000, description="How late, from which it counts; a plain number is milliseconds."
    )
    hold: UpToYear = Field(30.0, description="Time for which it must last.")


class RestartAlertSettings(Section):
    """When the monitor crashes too often; a run that was stopped does not count."""

    count: int = Field(5, ge=2, le=1000, description="Starts, from which it counts.")
    within: Seconds = Field(3_600.0, ge=60, le=604_800, description="Time in which there were so many.")


class HeartbeatSettings(Section):
    """A dead man's switch: an address that is asked while all is well, and raises the alarm when it is not."""

    url: WebAddress = Field(None, description="Address to GET; null: none.")
    url_file: FilePath | None = Field(None, description="File that holds the address.")
    interval: Seconds = Field(60.0, ge=5, le=86_400, description="Time between requests.")

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        one_of(self, "url")
        return self


class InterruptionSettings(Section):
    """How often the market may interrupt people; the rest waits for a digest."""

    enabled: bool = Field(default=True, description="Whether there is such a budget; false: everything interrupts.")
    typical: int = Field(4, ge=1, le=10_000, description="Interruptions of the median day, at most.")
    most: int = Field(10, ge=1, le=10_000, description="Interruptions of any day, at most.")
    digest_at: Times = Field(("08:00", "20:00"), min_length=1, max_length=24, description="When digests come, UTC.")
    storm: Seconds = Field(
        900.0, ge=1, le=86_400, description="Calm after which the next of a kind and side is a message of its own."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.most < self.typical:
            raise ValueError(f"most = {self.most} is fewer than typical = {self.typical}")
        return self


class DiscordWebhookSettings(Section):
    """Which of the two webhooks of Discord is for what."""

    use_system_webhook: bool = Field(default=True, description="Whether system alerts go to the system webhook.")


class AlertSettings(Section):
    """What raises an incident, and who is told of it."""

    sudden_move: SuddenMoveSettings = SuddenMoveSettings()
    fast: FastSettings = FastSettings()
    slow_cycle: Seconds = Field(5.0, gt=0, description="Time from which a cycle counts as slow.")
    keep: int = Field(200, ge=10, le=10_000, description="Incidents kept for /api/alerts/recent.")
    cpu_alerts: CpuAlertSettings = CpuAlertSettings()
    memory_alerts: UsageAlertSettings = UsageAlertSettings()
    disk_alerts: UsageAlertSettings = UsageAlertSettings()
    loop_lag_alerts: LoopLagAlertSettings = LoopLagAlertSettings()
    restart_alerts: RestartAlertSettings = RestartAlertSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    rules: Paths = Field((), description="YAML files of your own rules.")
    kinds: dict[Kind, KindSettings] = Field({}, description="By kind: what is different for it.")
    cooldown: UpToYear = Field(43_200.0, description="Time in which an identity is not told again.")
    group_wait: Seconds = Field(5.0, ge=0, le=600, description="Time that followers of a group's first wait.")
    group_interval: Seconds = Field(60.0, ge=1, le=86_400, description="Time between a group's later messages.")
    interruptions: InterruptionSettings = InterruptionSettings()
    digest_above: int = Field(10, ge=2, le=1000, description="Waiting messages from which a channel gets a digest.")
    ttl: TtlSettings = TtlSettings()
    public_url: WebLink | None = Field(None, description="What links in messages begin with; null: no links.")
    discord_webhook_url: DiscordAddress = Field(None, description="General webhook of Discord; null: none.")
    discord_webhook_url_file: FilePath | None = Field(None, description="File that holds it.")
    system_alerts_webhook_url: DiscordAddress = Field(None, description="Webhook for system alerts; null: none.")
    system_alerts_webhook_url_file: FilePath | None = Field(None, description="File that holds it.")
    discord_webhook: DiscordWebhookSettings = DiscordWebhookSettings()
    discord: DiscordSettings = DiscordSettings()
    console: ConsoleSettings = ConsoleSettings()
    database: DatabaseChannelSettings = DatabaseChannelSettings()
    channels: dict[ChannelName, ChannelSettings] = Field({}, description="By name: further channels.")

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        one_of(self, "discord_webhook_url", "system_alerts_webhook_url")
        if taken := sorted(set(BUILT_IN) & set(self.channels)):
            raise ValueError(f"channels.{taken[0]} has a section of its own; choose another name")
        known = (*BUILT_IN, *self.channels)
        mentioned = [(f"kinds.{kind}.channels", name) for kind, k in self.kinds.items() for name in k.channels or ()]
        mentioned += [(f"{place}.fallback", name) for place, name in self._fallbacks().items()]
        for place, name in mentioned:
            if name not in known:
                raise ValueError(f"{place} names {name}, which is no channel{nearest(name, known)}")
        self._check_fallbacks()
        return self

    def _fallbacks(self) -> dict[str, str]:
        """By the key of a channel: its fallback."""
        given = {"discord": self.discord.fallback} | {f"channels.{n}": c.fallback for n, c in self.channels.items()}
        return {place: name for place, name in given.items() if name is not None}

    def _check_fallbacks(self) -> None:
        by_name = {place.removeprefix("channels."): name for place, name in self._fallbacks().items()}
        for first, name in by_name.items():
            seen = {first}
            while name in by_name and name not in seen:
                seen.add(name)
                name = by_name[name]
            if name in seen:
                raise ValueError(f"the fallbacks go round in a circle: {first} comes back to {name}")
