"""Exchange time mapped to the history: whole weeks of shift, then the loop, back and forth for ever."""

from dataclasses import dataclass

import numpy as np

from virtuoso.simulator.history.dataset import History, Ints

MINUTE_MS = 60_000
WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times in epoch ms of the exchange. The loop begins at `anchor_ms`, the latest whole-week shift before the start.

    `minute_index` numbers the recorded minutes from the first fine bar; before the anchor they are played as
    recorded, from it on the loop runs back and forth, on the way back with every minute reversed in itself.
    """

    anchor_ms: int
    minutes_ms: int
    coarse_ms: int
    shift_ms: int
    lead: int
    loop: int

    @classmethod
    def starting(cls, history: History, start_ms: int) -> "Timeline":
        """The timeline of an exchange that starts at `start_ms`."""
        weeks = (start_ms - history.loop_from) // WEEK_MS
        shift = weeks * WEEK_MS
        return cls(
            anchor_ms=history.loop_from + shift,
            minutes_ms=history.minutes_from + shift,
            coarse_ms=history.coarse_from + shift,
            shift_ms=shift,
            lead=(history.loop_from - history.minutes_from) // MINUTE_MS,
            loop=(history.until - history.loop_from) // MINUTE_MS,
        )

    def minute(self, open_ms: int) -> tuple[int, bool]:
        """Index of the recorded minute played at `open_ms`, and whether it is played backwards."""
        number = (open_ms - self.anchor_ms) // MINUTE_MS
        phase = number % (2 * self.loop)
        if number < 0:
            return self.lead + number, False
        back = phase >= self.loop
        return self.lead + (2 * self.loop - 1 - phase if back else phase), back

    def recorded(self, at_ms: int) -> tuple[int, bool]:
        """Return the recorded moment (epoch ms) that is played at `at_ms`, and whether it is played backwards."""
        index, back = self.minute(at_ms)
        within_ms = (at_ms - self.anchor_ms) % MINUTE_MS
        open_ms = self.minutes_ms - self.shift_ms + index * MINUTE_MS
        return open_ms + (MINUTE_MS - within_ms if back else within_ms), back

    def minutes(self, open_ms: Ints) -> tuple[Ints, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
        """Do what `minute` does for an array of opening times (epoch ms); both results are arrays of its shape."""
        number = (open_ms - self.anchor_ms) // MINUTE_MS
        phase = number % (2 * self.loop)
        back = (number >= 0) & (phase >= self.loop)
        index = np.where(back, 2 * self.loop - 1 - phase, phase)
        return np.where(number < 0, self.lead + number, self.lead + index), back
