"""Where threads stand: the function of ours that one is in, and what it is at there."""

import json
import threading

import pytest

from virtuoso.operations.flame import flame_graph
from virtuoso.operations.sampling import IDLE, Sampler, place_of


@pytest.mark.parametrize(
    ("stack", "place"),
    [
        (("t",), IDLE),
        (("t", "threading:Thread.run", "virtuoso.a.b:C.f"), "a.b:C.f"),
        (("t", "virtuoso.a:f", "json:dumps", "json.encoder:iterencode"), "a:f > json.encoder:iterencode"),
        (("t", "virtuoso.a:f", "asyncio:call", "virtuoso.b:g", "numpy:sum"), "b:g > numpy:sum"),
        (("t", "json:dumps"), IDLE),
    ],
)
def test_a_place_is_our_innermost_function(stack: tuple[str, ...], place: str) -> None:
    assert place_of(stack) == place


def test_a_thread_that_works_is_seen_at_it_and_one_that_waits_is_not() -> None:
    over, seen = threading.Event(), threading.Event()

    class Endless(dict[str, int]):
        """Something to draw that does not end before it was seen."""

        def items(self) -> list[object]:  # type: ignore[override]
            while not over.is_set():
                seen.set()
                json.dumps([1, 2, 3])
            return []

    working = threading.Thread(target=lambda: flame_graph(Endless(), ""), name="busy")
    waiting = threading.Thread(target=over.wait, name="waiting")
    working.start()
    waiting.start()
    seen.wait()
    sampler = Sampler()
    while sampler._looks < 5:
        over.wait(0.01)
    samples = sampler.end()
    over.set()
    for thread in (working, waiting):
        thread.join()
    assert samples.looks >= 5
    found = {each.thread: each for each in samples.where(100)}
    assert found["busy"].at.startswith("operations.flame:flame_graph")
    assert found["busy"].share > 0.0
    assert found["MainThread"].at == IDLE
    assert "waiting" not in found
    assert "sampler" not in found


def test_one_that_ends_before_it_was_to_begin_saw_nothing() -> None:
    samples = Sampler(after_s=600.0).end()
    assert (samples.looks, dict(samples.stacks), samples.where(5)) == (0, {}, ())
