"""What a recording tells of the exchange, in plain values: frames, answers, and where something is missing."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple


class Framed(NamedTuple):
    """A frame as it came: `at_ms` of exchange time, on a connection of the recording."""

    at_ms: int
    connection: int
    payload: bytes


class Answered(NamedTuple):
    """A recorded REST answer that was good."""

    at_ms: int
    path: str
    query: Mapping[str, str]
    body: bytes


class Lost(NamedTuple):
    """From here on nothing came on a connection (`None`: on any) until it was opened anew."""

    at_ms: int
    connection: int | None


Told = Framed | Answered | Lost

Tape = Callable[[int | None], Iterator[Told]]
"""Plays the recording from an exchange time on that it was played to before; `None`: from its beginning."""


class Recorded(NamedTuple):
    """A recording, ready to be served.

    Attributes:
        category: of its market.
        first_ms: exchange time of its first frame; `last_ms` of the last.
        topics: that its frames are about.
        tape: plays it.
    """

    category: str
    first_ms: int
    last_ms: int
    topics: frozenset[str]
    tape: Tape
