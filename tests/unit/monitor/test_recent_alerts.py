"""As many incidents are served as the configuration keeps, above two hundred too."""

from tests.support.small_monitor import SmallMonitor

from virtuoso.model.alerts.incident import Severity


async def test_all_that_are_kept_are_served() -> None:
    small = SmallMonitor()
    await small.start()
    for number in range(300):
        small.incidents.fire("mute_topic", Severity.WARNING, "mute", small.now_ms + number, part=f"topic {number}")
    await small.minute()
    served = [alert for alert in small.documents()["alerts"] if alert["alert_type"] == "mute_topic"]
    assert len(served) == 300
    assert served[0]["timestamp"] > served[-1]["timestamp"]
    small.close()
