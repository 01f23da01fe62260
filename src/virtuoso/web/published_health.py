"""Health as another process published it, and the time that has passed since."""

import msgspec
from msgspec.structs import replace

from virtuoso.model.documents import Health
from virtuoso.operations.health import LIVE_S, is_live, judge
from virtuoso.storage.cache.memory import MemoryCache


class PublishedHealth:
    """What `/health` answers in a process that runs no cycles: the same judgement of the facts as they were published.

    A document of another version of the program counts as none. `mode`: `embedded` in the web process of `up`,
    `standalone` in one of `virtuoso web`.
    """

    def __init__(self, cache: MemoryCache, mode: str = "standalone") -> None:
        self._cache = cache
        self._mode = mode

    @property
    def live(self) -> bool:
        """Whether cycles are completed; a start that is published no more has ended."""
        age_s, health = self._cache.age_s("health"), self.document()
        if health.last_cycle_age_s is None and (age_s is None or age_s > LIVE_S):
            return False
        return is_live(health)

    @property
    def healthy(self) -> bool:
        """Whether cycles are completed, and what is watched is fresh and analysed."""
        return self.document().status == "healthy"

    def document(self) -> Health:
        """Judge the published facts by their age now and return the document of `/health`."""
        published, age_s = self._cache.get("health"), self._cache.age_s("health")
        if published is None or age_s is None:
            return Health(
                status="starting", service="web_server", mode=self._mode, last_cycle_age_s=None, interval_s=0.0,
                reasons=("no monitor has published anything",),
            )  # fmt: skip
        facts = msgspec.json.decode(published.body, type=Health)
        return replace(judge(facts, age_s), mode=self._mode)
