"""What a monitor is built of, by whether it may tell anybody."""

import pytest

from virtuoso.config.loading import load
from virtuoso.wiring.monitor import monitor_parts


@pytest.mark.parametrize("notify", [True, False])
def test_only_who_can_notify_says_that_all_is_well(notify: bool) -> None:
    settings = load([], {"VIRTUOSO__MONITORING__ALERTS__HEARTBEAT__URL": "https://hc-ping.example/1"})
    assert (monitor_parts(settings, notify=notify).heartbeat is not None) == notify
