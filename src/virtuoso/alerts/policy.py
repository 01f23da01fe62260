"""Settings of a kind of incidents: when one fires and ends, and when and where people are notified of it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from virtuoso.model.alerts.incident import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What holds for all incidents of a kind. Times are durations in milliseconds.

    Attributes:
        enabled: nothing fires otherwise; what is open can still end.
        severity: in place of what the detector says.
        hold_ms: `for`: the condition must hold so long before it fires.
        cooldown_ms: for so long after a notification, nobody is notified of a new incident of the same identity, unless
            it is more severe.
        rearm_ms: the condition must be false so long before the incident is resolved.
        change: people are notified of an open incident again when |value| has grown by this ratio since (0.5 = 50 %).
        step: people are notified of an open incident again at each further step of |value| (1 = at 2, 3, …).
        escalate_after_ms: firing and unacknowledged for so long, it becomes more severe by one step; and so on.
        channels: the ones that hear of it, and no others; `None` = all that take its severity and scope.
    """

    enabled: bool = True
    severity: Severity | None = None
    hold_ms: int = 0
    cooldown_ms: int = 43_200_000
    rearm_ms: int = 0
    change: float | None = None
    step: float | None = None
    escalate_after_ms: int | None = None
    channels: tuple[str, ...] | None = None

    def grown(self, value: float | None, notified: float | None) -> bool:
        """Say whether the value grew materially since `notified`, the one that people were notified of."""
        if value is None or notified is None or not abs(notified) < abs(value) < inf:
            return False
        if self.step is not None and abs(value) // self.step > abs(notified) // self.step:
            return True
        return self.change is not None and abs(value) >= abs(notified) * (1.0 + self.change)


Policies = Callable[[str], Policy]
"""The policy of a kind."""

_DEFAULT = Policy()


def default_policy(_kind: str) -> Policy:
    """Return the default policy, which is the same for every kind."""
    return _DEFAULT
