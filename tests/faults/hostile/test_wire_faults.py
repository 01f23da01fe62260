"""Every case in virtual time: one world lives through them, each waits for good weather first."""

from collections.abc import Iterator

import pytest
from tests.faults.hostile.case import Case
from tests.faults.hostile.cases import CASES
from tests.faults.hostile.judge import live_through
from tests.faults.hostile.world import Worlds

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory)
    yield made
    made.end()


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_case(case: Case, worlds: Worlds) -> None:
    world = worlds.get()
    try:
        live_through(case, world)
    except BaseException:
        worlds.end()
        raise
    if case.lasting:
        worlds.end()
