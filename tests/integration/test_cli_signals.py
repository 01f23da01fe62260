"""`virtuoso signals` asks a running Virtuoso how good what it said was."""

import asyncio
from pathlib import Path

import msgspec
from tests.support.alerts_web import running_web
from typer.testing import CliRunner

from virtuoso.cli.signals import app
from virtuoso.model.catalogue.performance_example import PERFORMANCE
from virtuoso.storage.cache.memory import Version


async def test_figures_are_shown_with_their_number_and_interval(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        runner = CliRunner(env={"COLUMNS": "160"})

        async def performance(*options: str) -> str:
            given = ["performance", *options, "--url", web.url]
            return (await asyncio.to_thread(runner.invoke, app, given)).stdout

        web.cache.put("signals:performance", msgspec.json.encode(PERFORMANCE), Version(1, 1), 60)
        shown = await performance()
        assert "lived since 2026-11-03; still to come: 102" in shown
        (skill,) = [line for line in shown.splitlines() if "large move: skill" in line]
        assert skill.split() == [
            "15m",
            "large",
            "move:",
            "skill",
            "+0.061",
            "[+0.048,",
            "+0.073]",
            "20,160",
            "1,840",
            "21",
        ]
        assert "claims: hit" not in shown, "of none there is nothing to say"
        assert "VOLATILE" in shown
        pasted = await performance("--markdown")
        assert "| 15m | large move: skill | +0.061 | [+0.048, +0.073] | 20,160 | 1,840 | 21 |" in pasted
        assert pasted.startswith("lived since 2026-11-03; still to come: 102\n\n| within | figure | value |")
        assert "VOLATILE" in pasted
        assert msgspec.json.decode(await performance("--json")) == msgspec.json.decode(msgspec.json.encode(PERFORMANCE))
