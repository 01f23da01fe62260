"""How far work is that has parts."""

from collections.abc import Callable

Tell = Callable[[float], None]
"""Is told the share that is done, in [0, 1]."""


def share_of(tell: Tell, begin: float, length: float) -> Tell:
    """What a part of the work tells: its own share, of the `length` of the whole that begins at `begin`."""
    return lambda share: tell(begin + length * share)
