"""A program that runs on the recording, shared by the tests of a file."""

from collections.abc import Iterator

import pytest
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for


@pytest.fixture(scope="module")
def program(wall_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running_program(settings_for(wall_exchange, tmp_path_factory.mktemp("program"))) as running:
        running.until("live data", lambda: running.ask("/api/market/overview")["data_quality"] == "live", 60)
        yield running
