"""A program that runs on the recording, shared by the tests of its API."""

from collections.abc import Iterator

import pytest
from tests.support.exchange import running_exchange
from tests.support.program import Program, running_program, settings_for


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with (
        running_exchange() as exchange,
        running_program(settings_for(exchange, tmp_path_factory.mktemp("program"))) as running,
    ):
        running.until("live data", lambda: running.ask("/api/market/overview")["data_quality"] == "live", 15)
        yield running
