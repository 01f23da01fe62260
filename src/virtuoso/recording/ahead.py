"""Unpacks columns in a process of its own, a few blocks ahead of whoever plays them: each has a core then."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from virtuoso.recording.blocks import Mark, unpacked

LEAST_BYTES = 4_000_000
"""Of a recording for which a process is worth its start."""
_BLOCKS = 3

Unpacked = Callable[[], bytes | None]
"""Gives the records of a block, after waiting for them; `None` where they are not what its mark announces."""
Unpack = Callable[[Mark, bytes], Unpacked]
_T = TypeVar("_T")


@contextmanager
def unpacking() -> Iterator[Unpack]:
    """A way to unpack blocks beside what is done with those before."""
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:

        def unpack(mark: Mark, data: bytes) -> Unpacked:
            future: Future[bytes | None] = pool.submit(unpacked, mark, data)
            return future.result

        yield unpack
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def early(items: Iterator[_T]) -> Iterator[_T]:
    """The items, each asked for a few before it is given."""
    waiting: deque[_T] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > _BLOCKS:
            yield waiting.popleft()
    yield from waiting
