"""Kinds of evidence: what a component needs, and what a symbol can have at all where and how it is watched."""

from enum import IntFlag


class Evidence(IntFlag):
    """Kinds of input that a component may need. A missing minute of a kind that can be had is another matter."""

    BARS = 1
    SIDES = 2
    """Taker sides of the volume."""
    TRADES = 4
    """Every trade: how many there were, and how large."""
    BOOK = 8
    """The resting orders, as they stand at some moment."""
    BOOK_CHANGES = 16
    """How the book changes in between: a book that is asked for now and then does not tell."""
    OPEN_INTEREST = 32
    FUNDING = 64
    ACCOUNT_RATIO = 128
    LIQUIDATIONS = 256
    BASIS = 512
    """Mark and index price."""

    @property
    def words(self) -> str:
        """The kinds of evidence in words, separated by commas, for people."""
        return ", ".join(_WORDS[kind] for kind in Evidence if kind in self)


_WORDS = {
    Evidence.BARS: "bars",
    Evidence.SIDES: "taker sides",
    Evidence.TRADES: "trades",
    Evidence.BOOK: "book",
    Evidence.BOOK_CHANGES: "changes of the book",
    Evidence.OPEN_INTEREST: "open interest",
    Evidence.FUNDING: "funding",
    Evidence.ACCOUNT_RATIO: "account ratio",
    Evidence.LIQUIDATIONS: "liquidations",
    Evidence.BASIS: "basis",
}
ALL = Evidence(sum(Evidence))
DERIVATIVES = (
    Evidence.OPEN_INTEREST | Evidence.FUNDING | Evidence.ACCOUNT_RATIO | Evidence.LIQUIDATIONS | Evidence.BASIS
)
"""What a spot market does not have."""
DETAILED_ONLY = Evidence.SIDES | Evidence.TRADES | Evidence.BOOK | Evidence.BOOK_CHANGES | Evidence.LIQUIDATIONS
"""What is watched of `detailed` symbols alone."""
STREAMED_ONLY = Evidence.BOOK_CHANGES | Evidence.LIQUIDATIONS
"""What asking now and then does not bring."""
DETAILED, PLAIN = "detailed", "plain"
"""The classes of watched symbols: with book and trades, or (past `universe.detailed`) without."""


def attainable(offered: Evidence, *, detailed: bool, polled: bool) -> Evidence:
    """What a symbol can have of what its exchange has: a plain one neither book nor trades, a polled one no changes."""
    if not detailed:
        offered &= ~DETAILED_ONLY
    return offered & ~STREAMED_ONLY if polled else offered


def class_of(*, detailed: bool) -> str:
    """Name the class of a symbol: with order book and trades, or without."""
    return DETAILED if detailed else PLAIN
