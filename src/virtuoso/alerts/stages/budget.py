"""Budget: what is not worth an interruption now waits for the digest."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from virtuoso.alerts.policy import Policies
from virtuoso.alerts.stages.choice import KNOWN_DAYS, MOST_DAYS, Choice, Key, choose, demoted, named
from virtuoso.alerts.stages.stage_state import GroupKey, Split, StageState, Withheld, is_ending, key_of
from virtuoso.model.alerts.incident import Incident, Severity
from virtuoso.model.alerts.kind import About
from virtuoso.model.alerts.worth import Worth
from virtuoso.model.catalogue.kinds import KINDS
from virtuoso.model.timeframe import DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """Settings of how often the market may interrupt people.

    Attributes:
        typical: interruptions of the median day; of every day while fewer than seven days were watched.
        most: interruptions a day, whatever comes.
        digest_min: when digests are sent, in minutes after 00:00 UTC.
        storm_ms: without another for so long, the next of a kind and side is a message of its own.
    """

    typical: int = 4
    most: int = 10
    digest_min: tuple[int, ...] = (480, 1200)
    storm_ms: int = 900_000


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """What a restart goes on from, as it is stored.

    Attributes:
        day: days since the epoch (UTC).
        spent: interruptions of that day.
        today: how many each key would have made today.
        days: the same of the whole days before, oldest first.
        choice: what interrupts today.
        seen_ms: by kind, exchange and side, when one came last.
    """

    day: int
    spent: int
    today: tuple[tuple[Key, int], ...]
    days: tuple[tuple[tuple[Key, int], ...], ...]
    choice: Choice
    seen_ms: tuple[tuple[GroupKey, int], ...]


def exempt(incident: Incident, policies: Policies) -> bool:
    """Say whether it interrupts whatever the budget says: critical, of the system, a rule, or a choice of channels."""
    critical, chosen = incident.severity is Severity.CRITICAL, policies(incident.kind).channels is not None
    return critical or chosen or not is_budgeted(incident.kind)


def is_budgeted(kind: str) -> bool:
    """Say whether the budget applies to incidents of this kind, unless they are exempt."""
    known = KINDS.get(kind)
    return known is not None and known.about is About.MARKET


def budget(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:
    """Pass what is exempt, what follows a message that is kept current, and what is chosen while some are left."""
    book = state.budget
    if book is None:
        return Split(events, ())
    passed, withheld = [], []
    left, opening = book.left, set[GroupKey]()
    for incident in events:
        if is_ending(incident) or exempt(incident, state.policies):
            passed.append(incident)
            continue
        key = key_of(incident)
        known = state.groups.get(key)
        follows = key in opening or (
            known is not None and known.notice is not None and not known.quiet(now_ms, state.quiet_ms(incident.kind))
        )
        why = book.refusal(incident) or (None if follows or left > 0 else book.exhausted)
        if why is None:
            passed.append(incident)
            if not follows:
                opening.add(key)
                left -= 1
        else:
            withheld.append(Withheld(incident, why, for_now=True))
    return Split(passed, withheld)


class Budget:
    """Counts what would interrupt and what did, by UTC day, and chooses anew as a day begins.

    Attributes:
        worths: by kind, what was measured of it; counts from the next choice on, a demotion at once.
    """

    def __init__(self, settings: BudgetSettings) -> None:
        self.settings = settings
        self.worths: Mapping[str, Worth] = {}
        self.choice = choose((), {}, typical=settings.typical, most=settings.most)
        self._day: int | None = None
        self._spent = 0
        self._today = Counter[Key]()
        self._days: deque[dict[Key, int]] = deque(maxlen=MOST_DAYS)
        self._seen_ms: dict[GroupKey, int] = {}

    def roll(self, now_ms: int) -> None:
        """Begin a new day, if it is one: what came on the last counts from now on. Days without a step do not count."""
        day = now_ms // DAY_MS
        if self._day is None:
            self._day = day
        elif day > self._day:
            self._days.append(dict(self._today))
            self._day, self._spent = day, 0
            self._today.clear()
            self.choice = choose(
                tuple(self._days), self.worths, typical=self.settings.typical, most=self.settings.most
            )  # fmt: skip

    def note(self, incident: Incident, now_ms: int) -> None:
        """Count an incident that came to this stage, if it would have made a message of its own."""
        key = key_of(incident)
        last_ms = self._seen_ms.get(key)
        self._seen_ms[key] = now_ms
        if last_ms is None or now_ms >= last_ms + self.settings.storm_ms:
            self._today[incident.kind, incident.severity] += 1

    def spend(self) -> None:
        """Count one interruption against the day's budget."""
        self._spent += 1

    def interrupting(self) -> list[tuple[Key, str | None]]:
        """List the kinds and severities of the last days, and why each does not interrupt today; `None` = it does."""
        keys = {key for day in (*self._days, self._today) for key in day}
        return [(key, self.why(*key)) for key in sorted(keys)]

    @property
    def spent(self) -> int:
        """How many interruptions there were today."""
        return self._spent

    @property
    def left(self) -> int:
        """How many interruptions of today are left."""
        return self.choice.most_a_day - self._spent

    @property
    def exhausted(self) -> str:
        """Why nothing more interrupts today."""
        return f"digest: {self._spent} interruptions today, of {self.choice.most_a_day} that are allowed"

    def refusal(self, incident: Incident) -> str | None:
        """Why its kind and severity do not interrupt now; `None` = they do."""
        return self.why(incident.kind, incident.severity)

    def why(self, kind: str, severity: Severity) -> str | None:
        """Why incidents of this kind and severity do not interrupt today; `None` = they do."""
        key = (kind, severity)
        if (why := demoted(kind, self.worths.get(kind))) is not None:
            return why
        if len(self._days) >= KNOWN_DAYS and key not in self.choice.interrupts:
            return (
                self.choice.refused.get(named(key)) or "digest: it did not come before, and is judged from tomorrow on"
            )
        if len(self._days) < KNOWN_DAYS and severity is Severity.INFO:
            return f"digest: an info, and fewer than {KNOWN_DAYS} days were watched"
        return None

    @property
    def state(self) -> BudgetState | None:
        """What a restart goes on from; `None` before the first step."""
        if self._day is None:
            return None
        return BudgetState(
            day=self._day, spent=self._spent, today=_pairs(self._today), days=tuple(map(_pairs, self._days)),
            choice=self.choice, seen_ms=tuple(self._seen_ms.items()),
        )  # fmt: skip

    def resume(self, stored: BudgetState) -> None:
        """Go on from the state that an earlier run stored."""
        self._day, self._spent, self.choice = stored.day, stored.spent, stored.choice
        self._today = Counter(dict(stored.today))
        self._days = deque((dict(day) for day in stored.days), maxlen=MOST_DAYS)
        self._seen_ms = dict(stored.seen_ms)


def _pairs(counts: Mapping[Key, int]) -> tuple[tuple[Key, int], ...]:
    return tuple(sorted(counts.items()))
