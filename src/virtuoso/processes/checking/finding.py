"""What an examination finds: one line that is good, to be watched or bad, and what mends it."""

from enum import StrEnum

import msgspec


class State(StrEnum):
    """How well the thing is that was examined."""

    GOOD = "good"
    WARN = "warn"
    """It works, and something about it wants a look."""
    BAD = "bad"
    """It does not work, or endangers what does."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what was looked at, how it is, what was seen, and what mends it (`None` where nothing need be)."""

    what: str
    state: State
    said: str
    mend: str | None = None


def good(what: str, said: str) -> Finding:
    """Find that all is well with something."""
    return Finding(what=what, state=State.GOOD, said=said)


def warn(what: str, said: str, mend: str) -> Finding:
    """Find that something works, but wants a look."""
    return Finding(what=what, state=State.WARN, said=said, mend=mend)


def bad(what: str, said: str, mend: str) -> Finding:
    """Find that something must be mended."""
    return Finding(what=what, state=State.BAD, said=said, mend=mend)
