"""The drawing of the house holds: what it forbids is caught, by the contracts that `lint-imports` checks."""

import importlib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract
from tests.support.rooms import SOURCE, imported

CONTRACTS = {"layers": LayersContract, "forbidden": ForbiddenContract, "acyclic_siblings": AcyclicSiblingsContract}
FORBIDDEN = [
    ("web.app", "delivery.chart"),
    ("web.app", "market.book"),
    ("web.app", "config.settings"),
    ("web.app", "wiring.parts"),
    ("web.app", "monitor.kernel"),
    ("config.settings", "operations.health"),
    ("exchange.polling", "operations.health"),
    ("alerts.incidents", "operations.metrics"),
    ("research.backtest", "config.settings"),
    ("research.backtest", "delivery.chart"),
    ("research.backtest", "exchange.polling"),
    ("research.backtest", "monitor.kernel"),
    ("market.book", "analysis.engine"),
    ("analysis.engine", "market.state"),
    ("recording.writer", "config.settings"),
    ("simulator.server", "exchange.polling"),
    ("operations.health", "monitor.kernel"),
    ("wiring.parts", "monitor.kernel"),
    ("monitor.app", "simulator.server"),
    ("monitor.app", "playback.replay"),
    ("monitor.app", "web.app"),
    ("playback.replay", "processes.up"),
    ("processes.up", "cli.up"),
    ("model.clock", "config.settings"),
    ("monitor.status", "monitor.app"),  # a circle
    ("monitor.documents.publish", "monitor.cycle.cycle"),  # one of folders
    ("market.book", "market.state"),
]
BANNED = [("market.book", "time"), ("analysis.engine", "asyncio"), ("alerts.incidents", "structlog")]
BANNED += [("monitor.app", "pyarrow"), ("storage.stores", "pyarrow")]
BANNED += [("analysis.engine", "sklearn"), ("monitor.app", "arch"), ("market.book", "scipy")]


@pytest.fixture(scope="module")
def contracts(root: Path) -> dict[str, Contract]:
    found = read_configuration(str(root / ".importlinter"))
    return {
        options["name"]: CONTRACTS[options["type"]](
            name=options["name"], session_options=found["session_options"], contract_options=dict(options)
        )
        for options in found["contracts_options"]
    }


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("virtuoso", include_external_packages=True, cache_dir=None)


@pytest.fixture
def planted(graph: grimp.ImportGraph, request: pytest.FixtureRequest) -> Iterator[grimp.ImportGraph]:
    """The graph with an import more; a module that is not there yet comes with it."""
    importer, imported = request.param
    assert importer in graph.modules
    new = imported not in graph.modules
    assert not (new and imported.startswith("virtuoso.")), "there is no such module"
    if new:
        graph.add_module(imported, is_squashed=True)
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents="planted")
    yield graph
    graph.remove_import(importer=importer, imported=imported)
    if new:
        graph.remove_module(imported)


def broken(contracts: dict[str, Contract], graph: grimp.ImportGraph) -> set[str]:
    """Names of the contracts that the graph breaks."""
    return {
        name for name, contract in contracts.items() if not contract.check(graph=deepcopy(graph), verbose=False).kept
    }


def test_the_house_is_as_drawn(contracts: dict[str, Contract], graph: grimp.ImportGraph) -> None:
    assert broken(contracts, graph) == set()


@pytest.mark.parametrize(
    "planted",
    [*((f"virtuoso.{a}", f"virtuoso.{b}") for a, b in FORBIDDEN), *((f"virtuoso.{a}", b) for a, b in BANNED)],
    indirect=True,
    ids=lambda pair: " → ".join(name.removeprefix("virtuoso.") for name in pair),
)
def test_a_forbidden_import_is_caught(contracts: dict[str, Contract], planted: grimp.ImportGraph) -> None:
    assert broken(contracts, planted)


def test_a_room_without_a_floor_is_caught(contracts: dict[str, Contract], graph: grimp.ImportGraph) -> None:
    more = deepcopy(graph)
    more.add_module("virtuoso.attic")
    assert broken(contracts, more) == {"the house: a room imports only rooms on floors below"}


@pytest.mark.parametrize("room", sorted(path.parent.name for path in SOURCE.glob("*/__init__.py")))
def test_a_room_states_what_others_may_import(room: str) -> None:
    stated = getattr(importlib.import_module(f"virtuoso.{room}"), "PUBLIC", ())
    assert stated == tuple(sorted(imported().get(room, ())))
