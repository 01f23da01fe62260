"""What every test may use."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from tests.support.exchange import Running, running_exchange
from tests.support.pace import SPEED
from tests.support.sharing import Sharing, mix
from tests.support.soak import SOAK

settings.register_profile("default", deadline=None, max_examples=100 if SOAK else 50, derandomize=True)
settings.load_profile("default")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing | None:
    """How tests are shared out where they are distributed by file."""
    if config.option.dist != "loadfile":
        return None
    config.option.loadscopereorder = False
    return Sharing(config, log)


class _Turned(pytest.Dir):
    """A folder whose files each process collects from another one on.

    Pytest compiles a test file where nobody has: so the processes that begin in a fresh clone share that out.
    """

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        found = list(super().collect())
        number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
        first = len(found) * number // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        yield from found[first:] + found[:first]


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """How the processes of a run collect: each in an order of its own."""
    if "PYTEST_XDIST_WORKER" not in os.environ or (path / "__init__.py").is_file():
        return None
    return _Turned.from_parent(parent, path=path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, whatever the order in which they were collected."""
    items.sort(key=lambda item: str(item.path))
    mix(items)


def pytest_collection() -> None:
    """Look for no garbage while modules and thousands of tests are made, which live as long as the process."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Never look through them afterwards."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No `VIRTUOSO__…` variable of the machine reaches a test."""
    for name in [n for n in os.environ if n.upper().startswith("VIRTUOSO")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that is called within a test sets up the logs of this process for itself alone."""
    earlier = structlog.get_config()
    yield
    structlog.configure(**earlier)


@pytest.fixture(scope="session")
def shared_exchange() -> Iterator[Running]:
    """The embedded exchange of this process, whose time passes only while a test waits for something."""
    with running_exchange("--faults", speed=SPEED) as running:
        yield running


@pytest.fixture(scope="module")
def wall_exchange() -> Iterator[Running]:
    """Another one, for tests that go by the wall's clock: it works as long as it lives."""
    with running_exchange() as running:
        yield running


@pytest.fixture
def exchange(shared_exchange: Running) -> Running:
    """It, in good weather."""
    shared_exchange.clear()
    return shared_exchange


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).parents[1]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """After `make soak`: what was promised, whether it held, and how long it was put to the test."""
    if not SOAK:
        return
    terminalreporter.section("what held")
    terminalreporter.write_line("| promise | held | seconds |")
    terminalreporter.write_line("| --- | --- | --- |")
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            file, _, name = report.nodeid.partition("::")
            promise = f"{Path(file).stem.removeprefix('test_')}: {name.removeprefix('test_')}".replace("_", " ")
            terminalreporter.write_line(f"| {promise} | {outcome} | {report.duration:.0f} |")
