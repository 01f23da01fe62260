"""A signal by its id: what was claimed, its hash, the build that said it, what came of it; and its picture."""

import asyncio
import json
from dataclasses import replace
from hashlib import sha256
from math import expm1, log
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace as changed
from PIL import Image
from tests.support import lived
from tests.support.alerts_web import NoViews, Web, running_web
from typer.testing import CliRunner

from virtuoso.alerts.changes import observe_pressure, observe_signal
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.cli.signals import app
from virtuoso.model import documents as docs
from virtuoso.model.catalogue.lived import SIGNAL
from virtuoso.model.clock import ManualClock, iso
from virtuoso.model.documents.signal_detail import hash_of
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Band, Label
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.lived.codec import packed_came, packed_statements
from virtuoso.storage.database.records import Changes, Lived, LivedKey, LivedRow, SignalRecord

CLOSE_MS, MINUTE_MS = lived.CLOSE_MS, 60_000
BOUGHT = SignalRecord(
    exchange="bybit", symbol="S1USDT", close_ms=CLOSE_MS, label=Label.BUY, before=Label.HOLD, score=70.6,
    agreement=0.55, price=100.25, data_quality=DataQuality.LIVE, data_source=DataSource.REPLAY, confidence=0.5625,
    expires_ms=CLOSE_MS + 60 * MINUTE_MS, why='{"why":["S1USDT is stretched up at 70.6: the order book lifts it."]}',
)  # fmt: skip
ENDED = SignalRecord(
    exchange="bybit", symbol="S1USDT", close_ms=CLOSE_MS + MINUTE_MS, label=None, before=Label.BUY, score=None,
    agreement=None, price=None, data_quality=DataQuality.UNAVAILABLE, data_source=DataSource.REPLAY,
)  # fmt: skip


class Minutes(NoViews):
    """Two hours of minutes around the close."""

    async def bars(
        self, symbol: str, timeframe: Timeframe, limit: int, until_ms: int | None = None
    ) -> docs.Bars | None:
        assert until_ms == CLOSE_MS + 75 * MINUTE_MS
        opens = range(until_ms - limit * MINUTE_MS, until_ms, MINUTE_MS)
        prices = [100.0 + float(np.sin(open_ms / 1e6)) for open_ms in opens]
        bars = tuple(
            docs.BarItem(
                open_time=iso(open_ms) or "", open=price, high=price + 0.3, low=price - 0.2, close=price + 0.1,
                volume=50.0 + 10 * price % 7, turnover=None,
            )
            for open_ms, price in zip(opens, prices, strict=True)
        )  # fmt: skip
        return docs.Bars(symbol=symbol, timeframe=str(timeframe), bars=bars)


async def kept(web: Web) -> tuple[float, float, float]:
    """Keep both, and what came of the first after 15 minutes; its log return, cost and funding (bp)."""
    rng = np.random.default_rng(7)
    said = lived.statements(rng, close_ms=CLOSE_MS, kind=SIGNAL)
    came = lived.came(rng, said, 15)
    rows = (
        LivedRow(LivedKey(CLOSE_MS, SIGNAL, 0, 0), packed_statements(said)),
        LivedRow(LivedKey(CLOSE_MS, SIGNAL, 0, 15), packed_came(came)),
    )
    await web.database.commit(web.term, Changes(signals=(BOUGHT, ENDED), lived=Lived("bybit", rows)))
    at = said.symbols.index("S1USDT")
    return float(came["closed"][at]), float(said["cost_bp"][at]), float(said["funding_bp_15"][at])


def clock() -> ManualClock:
    return ManualClock((CLOSE_MS + 20 * MINUTE_MS) * 1_000_000)


async def test_a_signal_is_told_with_its_hash_its_build_and_what_came(tmp_path: Path) -> None:
    async with running_web(tmp_path, clock=clock()) as web:
        closed, cost_bp, funding_bp = await kept(web)
        status, found = await web.ask(f"/api/signals/{BOUGHT.id}")
        assert status == 200
        assert found["said"] == (await web.ask("/api/signals"))[1]["signals"][1]
        assert (found["build"], found["horizon_min"], found["link"]) == ("test", 60, f"/signals/{BOUGHT.id}")
        first, *others = found["outcomes"]
        assert first["closed"] == pytest.approx(100 * expm1(closed))
        assert first["net_bp"] == pytest.approx(1e4 * closed - cost_bp - funding_bp)
        assert log(1 + first["closed"] / 100) == pytest.approx(closed)
        assert [(each["horizon_min"], each["reason"]) for each in others] == [
            (60, "not due yet"), (240, "not due yet"), (1440, "not due yet"),
        ]  # fmt: skip
        said = found["said"]
        names = (
            "id", "exchange", "symbol", "timestamp", "signal", "before", "price", "score", "agreement", "confidence",
            "expires_at", "data_quality", "data_source", "why",
        )  # fmt: skip
        listed = json.dumps([*(said[name] for name in names), found["build"]], separators=(",", ":"))
        assert found["hash"] == sha256(listed.encode()).hexdigest()


async def test_a_signal_and_its_incidents_lead_to_each_other(tmp_path: Path) -> None:
    log, now_ms = IncidentLog(10), CLOSE_MS + 1_500
    observe_pressure(log, "S1USDT", None, Band.DOWN, now_ms - 400, 20.0)  # of no signal
    observe_signal(log, "S1USDT", None, Label.BUY, now_ms, score=70.6, agreement=0.55, price=1.0, signal_id=BOUGHT.id)
    observe_pressure(log, "S1USDT", Band.DOWN, Band.UP, now_ms + MINUTE_MS, 75.0, BOUGHT.id)
    async with running_web(tmp_path, clock=clock()) as web:
        await kept(web)
        await web.keep(*log.recent())
        _, found = await web.ask(f"/api/signals/{BOUGHT.id}")
        assert [each["alert_type"] for each in found["alerts"]] == ["pressure", "signal_change"]
        for each in found["alerts"]:
            _, incident = await web.ask(f"/api{each['link']}")
            assert (incident["message"], incident["signal"]) == (each["message"], f"/signals/{BOUGHT.id}")
        (other,) = [each for each in log.recent() if each.signal_id is None]
        assert (await web.ask(f"/api/alerts/{other.id}"))[1]["signal"] is None


async def test_what_is_due_and_not_written_is_listed_with_that_as_its_reason(tmp_path: Path) -> None:
    later = ManualClock((CLOSE_MS + 70 * MINUTE_MS) * 1_000_000)
    async with running_web(tmp_path, clock=later) as web:
        await kept(web)
        _, found = await web.ask(f"/api/signals/{BOUGHT.id}")
        reasons = {each["horizon_min"]: each["reason"] for each in found["outcomes"]}
        assert reasons == {15: None, 60: "due, and not written yet", 240: "not due yet", 1440: "not due yet"}
        later.advance_to((CLOSE_MS + 1_450 * MINUTE_MS) * 1_000_000)
        _, found = await web.ask(f"/api/signals/{BOUGHT.id}")
        assert [each["reason"] for each in found["outcomes"][1:]] == ["due, and not written yet"] * 3


async def test_why_nothing_came_is_told_as_it_is(tmp_path: Path) -> None:
    later = clock()
    unsettled = replace(BOUGHT, symbol="S9USDT")  # as of a claim that an earlier close made, or another monitor
    older = replace(BOUGHT, symbol="S2USDT", confidence=None, expires_ms=None)
    async with running_web(tmp_path, clock=later) as web:
        await kept(web)
        await web.database.commit(web.term, Changes(signals=(unsettled, older)))

        async def told(signal: SignalRecord) -> tuple[str | None, int]:
            _, found = await web.ask(f"/api/signals/{signal.id}")
            return found["reason"], len(found["outcomes"])

        assert await told(older) == (
            "an older program said it, and claimed nothing by it: only what is claimed is settled",
            0,
        )
        assert await told(unsettled) == (
            "no claim of this monitor was made at this close: an earlier one goes on here, or another monitor made it",
            0,
        )
        later.advance_to((CLOSE_MS + 2 * 1_440 * MINUTE_MS) * 1_000_000)
        assert await told(BOUGHT) == (None, 4)
        later.advance_to((CLOSE_MS + 36 * 1_440 * MINUTE_MS) * 1_000_000)
        assert (await told(unsettled))[0] == "what came of it is kept no longer: outcomes of claims are, for 35 days"


async def test_what_is_no_claim_and_what_is_not_there_are_said_so(tmp_path: Path) -> None:
    async with running_web(tmp_path, clock=clock()) as web:
        await kept(web)
        status, found = await web.ask(f"/api/signals/{ENDED.id}")
        assert (status, found["outcomes"], found["horizon_min"]) == (200, [], None)
        assert found["reason"].startswith("no BUY or SELL begins here")
        assert (await web.ask(f"/api/signals/{'0' * 32}"))[0] == 404
        assert (await web.ask("/api/signals/none"))[0] == 422


def test_whatever_is_edited_gives_another_hash() -> None:
    said = docs.SignalChange(
        id="1", exchange="bybit", symbol="S1USDT", signal=Label.BUY, confidence=0.5, expires_at="t", before=None,
        timestamp="t", score=70.0, agreement=0.5, price=1.0, data_quality=DataQuality.LIVE, data_source=None,
        why=("a",),
    )  # fmt: skip
    first = hash_of(said, "b")
    edits = ({"price": 1.1}, {"confidence": 0.6}, {"signal": Label.SELL}, {"why": ("b",)}, {"expires_at": "u"})
    assert first == hash_of(changed(said), "b")
    assert len({first, hash_of(said, None), *(hash_of(changed(said, **edit), "b") for edit in edits)}) == 7


async def test_the_command_shows_it_and_draws_it(tmp_path: Path) -> None:
    async with running_web(tmp_path, clock=clock(), views=Minutes()) as web:
        await kept(web)
        runner, image = CliRunner(env={"COLUMNS": "160"}), tmp_path / "signal.png"
        given = ["show", BOUGHT.id, "--url", web.url]
        shown = await asyncio.to_thread(runner.invoke, app, [*given, "--image", str(image)])
        assert shown.exit_code == 0, shown.output
        assert "S1USDT BUY" in shown.stdout
        assert "confidence 56.2%" in shown.stdout
        assert "not due yet" in shown.stdout
        with Image.open(image) as drawn:
            assert drawn.width == 1600
            assert drawn.height > 900, "the chart, and the words below it"
            words = drawn.crop((0, 900, 1600, drawn.height)).getcolors(1 << 20)
        assert words is not None
        assert len(words) > 20
        plain = (await asyncio.to_thread(runner.invoke, app, [*given, "--json"])).stdout
        assert msgspec.json.decode(plain)["hash"] in shown.stdout
