"""A program that runs on the recording, shared by the tests of a file."""

from collections.abc import Iterator

import pytest
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for


@pytest.fixture(scope="module")
def program(shared_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Its time passes only while a test waits for something: what a test asks twice is the same twice."""
    shared_exchange.clear()
    config = settings_for(shared_exchange, tmp_path_factory.mktemp("program"))
    with running_program(config, pace=shared_exchange.pace) as running:
        running.until("live data", lambda: running.ask("/api/market/overview")["data_quality"] == "live", 60)
        yield running
