"""Health as another process published it, and the time that has passed since."""

import msgspec

from virtuoso.model.documents import Health
from virtuoso.storage.cache.memory import MemoryCache

_LATE = 3.0


class PublishedHealth:
    """What `/health` answers in a process that runs no cycles: the same judgement by the age of the last success."""

    def __init__(self, cache: MemoryCache) -> None:
        self._cache = cache

    @property
    def healthy(self) -> bool:
        """Whether a cycle succeeded within three intervals."""
        return self.document().status == "healthy"

    def document(self) -> Health:
        """The answer of `/health`."""
        published, age_s = self._cache.get("health"), self._cache.age_s("health")
        if published is None or age_s is None:
            return Health(
                status="starting", service="web_server", mode="standalone", last_cycle_age_s=None, interval_s=0.0,
                reasons=("no monitor has published anything",),
            )  # fmt: skip
        health = msgspec.json.decode(published.body, type=Health)
        if health.last_cycle_age_s is None:
            return msgspec.structs.replace(health, mode="standalone")
        cycle_age_s = health.last_cycle_age_s + age_s
        reasons = [reason for reason in health.reasons if "cycle failed" in reason]
        if late := cycle_age_s > _LATE * health.interval_s:
            reasons.append(
                f"the last successful cycle is {cycle_age_s:.0f} s old; one is due every {health.interval_s:g} s"
            )
        return msgspec.structs.replace(
            health, mode="standalone", status="unhealthy" if late else "healthy", reasons=tuple(reasons),
            last_cycle_age_s=round(cycle_age_s, 3),
        )  # fmt: skip
