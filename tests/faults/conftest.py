"""One program that lives through every fault of the exchange."""

from collections.abc import Iterator

import pytest
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for
from tests.support.watcher import UNIVERSE, Watcher


@pytest.fixture(scope="module")
def watching(shared_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    config = settings_for(shared_exchange, tmp_path_factory.mktemp("watching"), UNIVERSE)
    with running_program(config, pace=shared_exchange.pace) as program:
        yield program


@pytest.fixture
def watcher(exchange: Running, watching: Program) -> Iterator[Watcher]:
    """Of good weather, at first; what it was told of is shown where a test fails."""
    found = Watcher(exchange, watching)
    yield found
    exchange.clear()  # others share it: a ban would be theirs too
    print(found.told())
