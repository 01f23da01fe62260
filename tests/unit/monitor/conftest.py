"""What tests of the monitor's parts share."""

import pytest

from virtuoso.monitor.watching import bar_audit, refresh


@pytest.fixture(autouse=True)
def _time_for_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exchange that answers at once is given up by no limit of the wall's clock, however long the work waits."""
    monkeypatch.setattr(refresh, "_REPAIR_TIMEOUT_S", 120.0)
    monkeypatch.setattr(bar_audit, "_TIMEOUT_S", 120.0)
