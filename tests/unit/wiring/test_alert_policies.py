"""What the configuration says of alerts, as the stages take it: who hears of what, and how long which setting holds."""

import pytest

from virtuoso.alerts.policy import Policy
from virtuoso.config.alerts import AlertSettings
from virtuoso.model.alerts.incident import Severity
from virtuoso.monitor.alerting.policies import PolicyBook
from virtuoso.wiring.alert_policies import default_policy, fallbacks, policies, routes

GENERAL, SYSTEM = ("https://discord.com/api/webhooks/1/general", "https://discord.com/api/webhooks/2/system")


def settings(**given: object) -> AlertSettings:
    return AlertSettings.model_validate({"console": {"enabled": False}, "database": {"enabled": False}} | given)


def taken(alerts: AlertSettings) -> dict[str, tuple[bool, bool]]:
    return {route.channel: (route.market, route.system) for route in routes(alerts)}


def test_one_webhook_alone_is_told_of_everything() -> None:
    assert taken(settings(discord_webhook_url=GENERAL)) == {"discord": (True, True)}
    assert taken(settings(system_alerts_webhook_url=SYSTEM)) == {"system": (True, True)}
    assert taken(settings()) == {}


@pytest.mark.parametrize(
    ("apart", "cpu_apart", "of_general", "of_system", "cpu"),
    [
        (True, True, (True, False), (False, True), None),
        (False, False, (True, True), (False, False), None),
        (True, False, (True, False), (False, True), ("discord",)),
        (False, True, (True, True), (False, False), ("system",)),
    ],
)
def test_use_system_webhook(
    apart: bool, cpu_apart: bool, of_general: object, of_system: object, cpu: tuple[str, ...] | None
) -> None:
    alerts = settings(
        discord_webhook_url=GENERAL, system_alerts_webhook_url=SYSTEM,
        discord_webhook={"use_system_webhook": apart}, cpu_alerts={"use_system_webhook": cpu_apart},
    )  # fmt: skip
    assert taken(alerts) == {"discord": of_general, "system": of_system}
    book = PolicyBook(default_policy(alerts), policies(alerts, routes(alerts)))
    assert book("cpu").channels == cpu
    assert book("memory").channels is None


def test_further_channels_keep_their_scope_and_severity() -> None:
    alerts = settings(
        channels={"desk": {"type": "webhook", "url": "https://x.org/", "system": False, "severity": "critical"}},
        discord_webhook_url=GENERAL, discord={"fallback": "desk"},
    )  # fmt: skip
    assert taken(alerts) == {"discord": (True, True), "desk": (True, False)}
    assert routes(alerts)[1].least is Severity.CRITICAL
    assert fallbacks(alerts)["discord"] == "desk"


def test_what_a_kind_says_and_what_it_leaves() -> None:
    alerts = settings(
        cooldown=60.0, cpu_alerts={"hold": 5.0},
        kinds={"whale_trade": {"for": 1.5, "cooldown": 7200.0, "rearm": 3.0, "change": 0.5, "severity": "critical"},
               "cpu": {"escalate_after": 10.0}, "book_wall": {"enabled": False}},
    )  # fmt: skip
    book = PolicyBook(default_policy(alerts), policies(alerts, ()))
    whale, cpu, other = book("whale_trade"), book("cpu"), book("liquidation")
    assert (whale.hold_ms, whale.cooldown_ms, whale.rearm_ms, whale.change) == (1_500, 7_200_000, 3_000, 0.5)
    assert whale.severity is Severity.CRITICAL
    assert (cpu.hold_ms, cpu.cooldown_ms, cpu.escalate_after_ms) == (5_000, 60_000, 10_000)
    assert (other.cooldown_ms, other.enabled, book("book_wall").enabled) == (60_000, True, False)
    assert book.longest_cooldown_ms == 7_200_000


def test_the_policy_of_a_rule_that_is_gone_holds_for_what_it_has_found() -> None:
    book = PolicyBook(Policy(), {})
    book.take({"mine": Policy(channels=("ops",), hold_ms=600_000)})
    book.take({"other": Policy(enabled=False)})
    assert (book("mine").channels, book("mine").hold_ms) == (("ops",), 600_000)
    assert not book("other").enabled
    book.take({"mine": Policy(channels=("desk",))})
    assert book("mine").channels == ("desk",)
    for number in range(3_000):
        book.take({f"rule {number}": Policy()})
    assert len(book._of_rules) <= 1_001
