"""Every table of the terminal, as it is in a pipe and at 80, 120 and 200 columns, from real runs.

`GOLDEN=write pytest tests/integration/test_golden_tables.py` writes the files anew.
"""

import asyncio
import csv
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from click.testing import Result
from tests.support.alerts_web import Web
from tests.support.program import command
from tests.support.replayed import CONFIG, FOLDER, RECORDING, Replayed, recorded_exchange, replayed, replayed_web
from tests.support.terminal import on_terminal
from typer.testing import CliRunner

from virtuoso.cli import alerts, backtest, config, replay, rules, top, universe
from virtuoso.cli.terminal.reading import show
from virtuoso.model.documents import SymbolDetail
from virtuoso.model.timeframe import Timeframe

WRITE = os.environ.get("GOLDEN") == "write"
GOLDEN = Path(__file__).parents[1] / "golden"
WIDTHS = (None, 80, 120, 200)
_MASKS = ((r"· http://127\.0\.0\.1:\d+", "· http://127.0.0.1:8002"), (r"(?m)^((seconds|speed) +)\S.*$", r"\g<1>…"))
"""What differs from run to run."""

Shown = Callable[[int | None], str]
"""What is printed at so many columns; in a pipe where none are given."""


def _environment(columns: int | None) -> dict[str, str | None]:
    return {"COLUMNS": None if columns is None else str(columns)}


def _called(app: object, *arguments: str) -> Shown:
    """A command, in a pipe."""

    def shown(columns: int | None) -> str:
        done: Result = CliRunner(env=_environment(columns)).invoke(app, arguments)  # type: ignore[arg-type]
        assert done.exit_code == 0, done
        return done.stdout

    return shown


def _compare(name: str, shown: Shown) -> None:
    """Hold that a table is as its golden file says, at every width; nothing is cut, and lines fit."""
    texts = {width: _masked(shown(width)) for width in WIDTHS}
    page = "\n".join(f"── {width or 'pipe'} ──\n{text}" for width, text in texts.items())
    path = GOLDEN / f"{name}.txt"
    if WRITE:
        path.write_text(page, "utf-8")
    assert page == path.read_text("utf-8"), f"{path} differs; if that is meant, write it anew with GOLDEN=write"
    for width, text in texts.items():
        assert "…" not in re.sub(r"(?m)^(seconds|speed) .*$", "", text)
        if width is not None:
            assert max(map(len, text.splitlines())) <= width, f"{name} at {width}"


def _once(work: Callable[..., Any]) -> Callable[..., Any]:
    """What does the work the first time, and hands out its result again: a recording is played once for all widths."""
    results: list[Any] = []

    def done(*arguments: Any) -> Any:
        if not results:
            results.append(work(*arguments))
        return results[0]

    return done


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text)
    return text


@pytest.fixture(scope="module")
def played() -> Replayed:
    return replayed()


@pytest.fixture
async def web(played: Replayed, tmp_path: Path) -> AsyncIterator[Web]:
    async with replayed_web(played, tmp_path) as web:
        yield web


async def test_tables_of_a_running_program(web: Web, played: Replayed) -> None:
    found = played.player._alerts.incidents.recent()
    longest = max(found, key=lambda each: len(each.path)).id
    assert (await web.ask(f"/api/alerts/{longest}/ack", "POST", json={"by": "anna", "comment": "seen"}))[0] == 200
    commands = {
        "alerts-list": ("list",), "alerts-show": ("show", longest), "alerts-why": ("why", longest),
        "alerts-rules": ("rules",), "alerts-pipeline": ("pipeline",), "alerts-deliveries": ("deliveries",),
    }  # fmt: skip
    for name, arguments in commands.items():
        await asyncio.to_thread(_compare, name, _called(alerts.app, *arguments, "--url", web.url))
    await asyncio.to_thread(_compare, "top", _called(top.app, "--once", "--url", web.url))


@pytest.mark.parametrize("only", [None, Timeframe.M5])
def test_a_reading(
    played: Replayed, only: Timeframe | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = played.player.cache.get("symbol:BTCUSDT")
    assert document is not None
    detail = msgspec.json.decode(document.body, type=SymbolDetail)
    closes = [bar.close for bar in played.bars("BTCUSDT", Timeframe.M1, 300)]

    def shown(columns: int | None) -> str:
        if columns is None:
            monkeypatch.delenv("COLUMNS", raising=False)
        else:
            monkeypatch.setenv("COLUMNS", str(columns))
        show(detail, closes, only)
        return capsys.readouterr().out

    _compare("analyze" if only is None else f"analyze-{only}", shown)


def test_a_backtest(played: Replayed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Path("bars.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["open_time", "symbol", "open", "high", "low", "close", "volume"])
        for symbol in ("BTCUSDT", "ETHUSDT"):
            for bar in played.bars(symbol, Timeframe.M1, 900):
                rows.writerow([bar.open_ms, symbol, bar.open, bar.high, bar.low, bar.close, bar.volume])
    _compare("backtest", _called(backtest.app, "bars.csv"))


@pytest.fixture
def no_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command logs on its way is not part of its table; the runner's streams are closed after it."""
    monkeypatch.setattr("virtuoso.operations.logs.configure", lambda *_: None)
    with structlog.testing.capture_logs():
        yield


def test_rules() -> None:
    _compare("rules-list", _called(rules.app, "list", str(FOLDER / "balanced.yaml")))


@pytest.mark.slow
@pytest.mark.usefixtures("no_logs")
def test_what_other_rules_would_change(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_play", "compared"):
        monkeypatch.setattr(rules, name, _once(getattr(rules, name)))
    old, new = FOLDER / "balanced.yaml", FOLDER / "changed.yaml"
    _compare("rules-diff", _called(rules.app, "diff", str(old), str(new), "--on", str(RECORDING), "-c", str(CONFIG)))


@pytest.mark.slow
@pytest.mark.usefixtures("no_logs")
def test_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    play = replay.Replay.play

    async def play_once(player: replay.Replay, *arguments: Any) -> None:
        if not player.records:
            await play(player, *arguments)

    monkeypatch.setattr(replay.Replay, "play", play_once)
    monkeypatch.setattr(replay, "Replay", _once(replay.Replay))
    _compare("replay", _called(replay.app, str(RECORDING), "-c", str(CONFIG)))


def test_the_universe(monkeypatch: pytest.MonkeyPatch) -> None:
    answering = [recorded_exchange() for _ in WIDTHS]  # each answers once
    monkeypatch.setattr(universe, "exchange_for", lambda *_: answering.pop())
    _compare("universe", _called(universe.app, "-c", str(CONFIG)))


def test_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("virtuoso.yaml").write_text(CONFIG.read_text("utf-8"), "utf-8")
    _compare("config-show", _called(config.app, "show", "-c", "virtuoso.yaml"))


def test_a_terminal_is_as_wide_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("virtuoso.yaml").write_text(CONFIG.read_text("utf-8"), "utf-8")
    golden = (GOLDEN / "config-show.txt").read_text("utf-8")
    wanted = golden.partition("── 80 ──\n")[2].partition("\n── 120 ──")[0].splitlines()
    with on_terminal(command("config", "show", "-c", "virtuoso.yaml"), width=80) as terminal:
        while terminal.process.poll() is None:
            _ = terminal.text  # a full terminal would hold it up
            time.sleep(0.01)
        assert terminal.text.splitlines() == wanted
