"""What an exchange is, from what its good answers announce."""

from dataclasses import dataclass

from virtuoso.model.clock import Clock
from virtuoso.model.quality import DataSource, worst_source

ANSWERS, LASTS_S = 10, 600.0
"""So many good answers in a row from each place, over so long, end a less real origin: by then what came from it has
been compared with what is answered now."""


@dataclass(slots=True)
class _Run:
    """Announcements in a row from one place that are all more real than what stands."""

    since_s: float
    worst: DataSource
    count: int = 0


class Origin:
    """The least real thing the exchange has been: what came from it then is still computed from.

    REST and streams announce it apart. An answer that announces nothing is the real exchange's; a name that is not
    known is no exchange's that we could believe. A less real origin is believed at once, and stands until every place
    that ever announced one has announced more real ones alone, ten times or more and for ten minutes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest: dict[str, DataSource] = {}
        self._runs: dict[str, _Run] = {}
        self.source: DataSource | None = None
        """`None` until something good came."""

    def announced(self, place: str, name: str | None) -> None:
        """Note what a good answer from `place` announced (`REST`, `streams`), with this announcement."""
        try:
            latest = DataSource(name) if name else DataSource.LIVE
        except ValueError:
            latest = DataSource.SYNTHETIC
        self._latest[place] = latest
        if self.source is None or worst_source((self.source, latest)) is latest:
            self.source = latest
            self._runs.clear()
            return
        now_s = self._clock.monotonic_ns() / 1e9
        run = self._runs.setdefault(place, _Run(now_s, latest))
        run.worst = worst_source((run.worst, latest)) or latest
        run.count += 1
        if all(self._is_proved(place, now_s) for place in self._latest):
            self.source = worst_source(run.worst for run in self._runs.values())
            self._runs.clear()

    @property
    def change(self) -> str | None:
        """What is odd about the announcements; `None` as long as all are the same."""
        odd = {place: latest for place, latest in self._latest.items() if latest is not self.source}
        if not odd:
            return None
        said = " and ".join(f"its {place} say {latest}" for place, latest in odd.items())
        return (
            f"the exchange is no longer what it was: {said}, and it was {self.source}; that stands until REST and "
            f"streams have announced nothing less real for {LASTS_S / 60:.0f} min"
        )

    def _is_proved(self, place: str, now_s: float) -> bool:
        run = self._runs.get(place)
        return run is not None and run.count >= ANSWERS and now_s - run.since_s >= LASTS_S
