"""`/api/symbols/{symbol}/cones`: what was said of a symbol as it was kept, beside what came of it."""

from pathlib import Path

import numpy as np
import pytest
from tests.support import lived
from tests.support.alerts_web import running_web

from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.lived.came import came_of, inside
from virtuoso.analysis.lived.statements import SAMPLED
from virtuoso.model.catalogue.lived import MISSING, READING, SIGNAL, quantile_names
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.lived.codec import packed_came, packed_statements
from virtuoso.storage.cache.memory import Version
from virtuoso.storage.database.lived_body import Block, of_one
from virtuoso.storage.database.records import Changes, Lived, LivedKey, LivedRow

PATH = "/api/symbols/S1USDT/cones"
SHARES = {3: 50, 2: 80, 1: 95, 0: 100}


async def test_cones_are_what_was_said_and_beside_it_what_came(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    closes = [lived.CLOSE_MS + i * 15 * Timeframe.M1.ms for i in range(13)]
    said = [lived.statements(rng, close_ms=close) for close in closes]
    came = [lived.came(rng, each, 60) for each in said[:-5]]
    lost = came_of(said[-5], 60, [MISSING] * len(said[-5].symbols))
    claims = lived.statements(rng, close_ms=closes[0], kind=SIGNAL)
    rows = [LivedRow(LivedKey(s.close_ms, s.kind, s.part, 0), packed_statements(s)) for s in (*said, claims)]
    rows += [LivedRow(LivedKey(c.close_ms, c.kind, c.part, 60), packed_came(c)) for c in (*came, lost)]
    async with running_web(tmp_path) as web:
        await web.database.commit(web.term, Changes(lived=Lived("bybit", tuple(rows))))
        web.cache.put("symbol:S1USDT", b"{}", Version(1, 1), 60.0)
        status, found = await web.ask(f"{PATH}?horizon_min=60")
        assert status == 200
        assert [cone["close"][11:16] for cone in found["cones"]] == ["03:00", "02:00", "01:00", "00:00"]
        newest, second, *due = found["cones"]
        assert (newest["closed"], newest["within"], newest["reason"]) == (None, None, None)
        assert (second["closed"], second["within"]) == (None, None)
        assert second["reason"] == "bars of these minutes are missing"
        for cone, at in zip(due, (4, 0), strict=True):
            quantiles = said[at].quantiles("cone", 60)
            assert cone["price"] == pytest.approx(said[at]["price"][1])
            assert cone["cone"] == pytest.approx((100 * quantiles[:, 1]).tolist())
            for name in ("closed", "highest", "lowest"):
                assert cone[name] == pytest.approx(100 * came[at][name][1])
            assert cone["within"] == SHARES[int(inside(came[at]["closed"], quantiles)[1])]
        held = found["held"]
        assert held["due"] == 2
        assert held["within_95"] == sum(cone["within"] <= 95 for cone in due)
        assert (await web.ask(f"{PATH}?horizon_min=60&limit=1"))[1]["cones"] == found["cones"][:1]


async def test_where_nothing_was_said_it_says_so(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        assert (await web.ask(PATH))[0] == 404
        web.cache.put("symbol:S1USDT", b"{}", Version(1, 1), 60.0)
        status, found = await web.ask(PATH)
        assert (status, found["cones"]) == (200, [])
        assert found["reason"].startswith("nothing was said of it yet")
        assert (await web.ask(f"{PATH}?horizon_min=61"))[0] == 422


def test_a_table_that_is_not_whole_is_refused() -> None:
    whole = Block((1, 2), "<f4", b"\0" * 8)
    assert of_one(whole, 1) == [0.0]
    for block, at in ((whole, 2), (Block((1, 2), "<f4", b"\0" * 7), 0), (Block((1, 2), "<i8", b"\0" * 16), 0)):
        with pytest.raises(ValueError, match="not whole"):
            of_one(block, at)


def test_the_columns_of_quantiles_are_those_of_the_horizons() -> None:
    assert lived.statements(np.random.default_rng(1)).kind == READING
    known = set(quantile_names(SAMPLED[0], HORIZONS_MIN[0]))
    assert known == {f"cone_{HORIZONS_MIN[0]}_{i}" for i in range(6)}
