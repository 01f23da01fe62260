"""The outlook: block by block as at once, fits that hold from a fixed close, signals only of what was earned."""

from dataclasses import fields, replace

import numpy as np
import pytest
from tests.support import panels

from virtuoso.analysis.forecast.claims.cells import UP, ClaimRule
from virtuoso.analysis.forecast.claims.signals import BUY, HOLD, UNKNOWN
from virtuoso.analysis.forecast.claims.tally import MEASURES
from virtuoso.analysis.forecast.fits.fit import Fit
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.outlook import ForecastRule, Kept, Outlook, Said
from virtuoso.analysis.forecast.shipped_followed import FOLLOWED
from virtuoso.analysis.readings.outlooks import (
    NO_BETA,
    claim_of,
    confidence_of,
    edge_of,
    forecast_of,
    label_of,
    lean_of,
)
from virtuoso.market.panel import MINUTE_FIELDS, BarBlock, MinuteBlock
from virtuoso.model.signal import Label
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.persistence.arrays import read, written

M1, M5 = Timeframe.M1, Timeframe.M5
N, DAY = 3, 1_440
START_MS = panels.START_MS - 4 * DAY * M1.ms


@pytest.fixture(scope="module")
def bars() -> BarBlock:
    return panels.random_bars(4 * DAY + 120, N, seed=9, start_ms=START_MS)


def fives(bars: BarBlock, minutes: int) -> BarBlock:
    """The bars of 5m that `minutes` of `bars` make."""
    cut = bars.part(slice(0, minutes))
    shape = (minutes // 5, 5, N)
    whole = {name: getattr(cut, name).reshape(shape) for name in ("open", "high", "low", "close", "volume")}
    return replace(
        cut, timeframe=M5, open_ms=cut.open_ms[::5], open=whole["open"][:, 0], high=whole["high"].max(axis=1),
        low=whole["low"].min(axis=1), close=whole["close"][:, -1], volume=whole["volume"].sum(axis=1),
        turnover=cut.turnover.reshape(shape).sum(axis=1), buy_volume=cut.buy_volume.reshape(shape).sum(axis=1),
    )  # fmt: skip


def begun(bars: BarBlock, minutes: int, rule: ForecastRule | None = None) -> Outlook:
    outlook = Outlook(M1, rule, SHIPPED)
    for row in range(N):
        outlook.add(f"S{row}USDT", row)
    outlook.warm_up([fives(bars, minutes), bars.part(slice(minutes - 300, minutes))])
    return outlook


def step(outlook: Outlook, bars: BarBlock, k: int, fresh: bool = True) -> Said:
    return outlook.step([bars.part(slice(k, k + 1))], None, None, dict.fromkeys(range(N), fresh))


def test_a_fresh_install_forecasts_by_the_shipped_fit_and_names_it(bars: BarBlock) -> None:
    at = 4 * DAY - 60
    outlook = begun(bars, at)
    said = [step(outlook, bars, k) for k in range(at, at + 30)][-1]
    for i in range(N):
        forecast = forecast_of(said, i)
        assert (forecast.version, forecast.fit_days, forecast.reason) == (SHIPPED.version, SHIPPED.days, NO_BETA)
        assert forecast.beta is None
        hour = next(each for each in forecast.horizons if each.horizon_min == 60)
        assert hour.beyond_up is not None
        assert hour.beyond_down is not None
        assert confidence_of(said, i) == pytest.approx(1 - max(hour.beyond_up, hour.beyond_down))
        assert (label_of(said, i), claim_of(said, i), lean_of(said, i)) == (Label.HOLD, None, None)
        assert edge_of(said, i) == "no edge at 1h: no day of entries has been counted yet"
        assert forecast.cost_bp is not None
        assert forecast.cost_bp > 11.0
    assert said.forecasts.market is not None
    market = replace(said.forecasts.market, beta=np.array([[0.5, np.nan, 1.5]]))
    known = replace(said, forecasts=replace(said.forecasts, market=market))
    assert [forecast_of(known, i).beta for i in range(N)] == [0.5, None, 1.5]
    assert [forecast_of(known, i).reason for i in range(N)] == [None, NO_BETA, None]


def test_what_followed_is_the_shipped_tables_until_twenty_days_are_counted(
    bars: BarBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 4 * DAY - 60
    outlook = begun(bars, at)
    percentile, regime = np.array([5.0, np.nan, 95.0]), np.array([2.0, 2.0, 2.0])

    def told(k: int) -> Said:
        # readings come in another order than the bars of the close
        return outlook.with_followed(step(outlook, bars, k), np.array([2, 1, 0]), percentile[::-1], regime)

    said = told(at)
    low, none, high = ({each.horizon_min: each for each in forecast_of(said, i).horizons}[15] for i in range(N))
    assert none.followed is None
    for shown, decile in ((low, 0), (high, 9)):
        assert shown.followed is not None
        cell = 4 * decile + 2
        assert shown.followed.source == "shipped"
        assert shown.followed.rose == FOLLOWED.shrunk[0, cell, 0]
        assert shown.followed.rose_base == FOLLOWED.base[0, 0]
        assert shown.followed.days == FOLLOWED.days[cell, 0]
        assert shown.volatility is not None
        assert shown.followed.size == pytest.approx(FOLLOWED.shrunk[2, cell, 0] * shown.volatility)
    monkeypatch.setattr("virtuoso.analysis.forecast.outlook.LEAST_DAYS", 1)
    later = [told(k) for k in range(at + 1, at + 70)][-1]
    assert later.followed is not None
    assert later.followed.until_ms > START_MS
    assert later.followed.readings.sum() > 0
    again = Outlook(M1, None, SHIPPED)
    kept = outlook.recent(0)
    again.resume(None, outlook.samples(), kept)
    found = again.recent(0)
    counted = [name for name in kept if name.startswith("outcomes.")]
    assert counted
    assert all(np.array_equal(kept[name], found[name], equal_nan=True) for name in counted)


def test_rows_side_by_side_and_apart_say_the_same_of_one_close(bars: BarBlock) -> None:
    at = 4 * DAY - 60
    whole, parted = begun(bars, at), begun(bars, at)
    for k in range(at, at + 20):
        together = step(whole, bars, k)
        one = bars.part(slice(k, k + 1))
        fresh = dict.fromkeys(range(N), True)
        blocks = [one.part(slice(None), np.array(rows)) for rows in ([0, 1], [2])]
        apart = parted.step(blocks, None, None, fresh)
        np.testing.assert_array_equal(together.forecasts.beyond_up[60], apart.forecasts.beyond_up[60])
        np.testing.assert_array_equal(together.signals.confidence, apart.signals.confidence)


def test_a_fit_is_asked_for_once_at_midnight_and_holds_five_minutes_later(bars: BarBlock) -> None:
    at = 4 * DAY - 5
    outlook = begun(bars, at)
    versions, asked = [], 0
    young = replace(SHIPPED, spread=SHIPPED.spread + 0.1)
    for k in range(at, at + 14):
        said = step(outlook, bars, k)
        versions.append((said.close_ms // M1.ms % DAY, said.forecasts.version))
        training = outlook.take_training()
        if training is not None:
            asked += 1
            assert training.until_ms == said.close_ms == panels.START_MS
            outlook.adopt(young, training.until_ms + 5 * M1.ms)
    assert asked == 1
    before, after = (*range(DAY - 4, DAY), *range(5)), range(5, 10)
    assert dict(versions) == dict.fromkeys(before, SHIPPED.version) | dict.fromkeys(after, young.version)


def restarted(bars: BarBlock, minutes: int, fit: Fit, kept: tuple[Kept, Kept] | None) -> Outlook:
    outlook = Outlook(M1, None, SHIPPED)
    outlook.resume(fit, *(kept or (None, None)))
    for row in range(N):
        outlook.add(f"S{row}USDT", row)
    outlook.warm_up([fives(bars, minutes // 5 * 5), bars.part(slice(minutes - 300, minutes))])
    outlook.catch_up()
    return outlook


def test_a_fit_that_a_restart_missed_is_asked_for_at_its_first_close_of_what_was_known_at_midnight(
    bars: BarBlock,
) -> None:
    outlook = begun(bars, 4 * DAY - 600)
    for k in range(4 * DAY - 600, 4 * DAY):
        step(outlook, bars, k)
    expected, samples = outlook.take_training(), (outlook.samples(), outlook.recent(0))
    assert expected is not None
    late = 4 * DAY + 7
    young = replace(SHIPPED, spread=SHIPPED.spread + 0.1, last_ms=expected.until_ms)
    missed = restarted(bars, late, SHIPPED, samples)
    step(missed, bars, late)
    training = missed.take_training()
    assert training is not None
    for each in fields(training):
        np.testing.assert_array_equal(getattr(training, each.name), getattr(expected, each.name))
    missed.adopt(young, START_MS + (late + 2) * M1.ms)
    assert step(missed, bars, late + 1).forecasts.version == young.version
    assert missed.take_training() is None
    for fit, kept in ((young, samples), (SHIPPED, None)):  # nothing that is new since the fit; nothing at all
        other = restarted(bars, late, fit, kept)
        step(other, bars, late)
        assert other.take_training() is None


def earned(outlook: Outlook) -> None:
    """Thirty days on which a likely long earned 30 bp."""
    tally = outlook._claims.tally
    sums = np.zeros((len(tally.cells), MEASURES))
    rng = np.random.default_rng(4)
    for day in range(30):
        for i, cell in enumerate(tally.cells):
            if (cell.side, cell.horizon_min) == (UP, 60):
                sums[i] = (20, 20 * rng.normal(30, 10), 240, 12, 6, 11.5)
        tally.add(day, sums)


def test_what_is_earned_and_likely_is_claimed_and_what_is_likely_alone_is_not(bars: BarBlock) -> None:
    """A margin below nothing asks for less than one half, and so lets what moves at all be likely."""
    at = 4 * DAY - 60
    rule = ForecastRule(taker_fee_bp=0.0, enter_margin=-0.25)
    plain, proven = begun(bars, at, rule), begun(bars, at, rule)
    earned(proven)
    for k in range(at, at + 20):
        without, said = step(plain, bars, k), step(proven, bars, k)
        assert without.signals.label.tolist() == [HOLD] * N
    likely = said.forecasts.beyond_up[60][0] > 0.25
    assert likely.any()
    assert ((said.signals.label == BUY) == likely).all()
    i = int(np.flatnonzero(likely)[0])
    claim, lean = claim_of(said, i), lean_of(said, i)
    assert claim is not None
    assert claim.confidence == confidence_of(said, i)
    assert (claim.horizon_min, edge_of(said, i)) == (60, None)
    up, down = said.forecasts.beyond_up[60][0, i], said.forecasts.beyond_down[60][0, i]
    if up >= down:
        assert lean is not None
        assert (lean.side, lean.pays) == ("up", True)
        assert lean.net_bp == pytest.approx(30, abs=6)
    stale = step(proven, bars, at + 20, fresh=False)
    assert stale.signals.label.tolist() == [UNKNOWN] * N
    assert claim_of(stale, i) is None


def test_while_forecasts_do_not_hold_no_side_is_said_and_a_claim_that_stands_ends(bars: BarBlock) -> None:
    """The cone of 15 minutes is withdrawn, by returns that always lie outside it."""
    at = 4 * DAY - 60
    outlook = begun(bars, at, ForecastRule(taker_fee_bp=0.0, enter_margin=-0.25))
    earned(outlook)
    said = step(outlook, bars, at)
    assert (said.signals.label == BUY).any()
    watch = outlook._calibration._horizons[0]._watches["cone"]
    while not watch.step(1.0):
        pass
    outlook._calibration._horizons[0].wider = 2.0
    after = step(outlook, bars, at + 1)
    assert [(each.what, each.horizon_min) for each in after.withdrawn] == [("cone", 15)]
    assert after.signals.label.tolist() == [HOLD] * N
    again = Outlook(M1, outlook.rule, SHIPPED)
    again.resume(outlook.fit, outlook.samples(), outlook.recent(0))
    assert again._calibration.withdrawn == after.withdrawn, "a restart does not forget it"
    for i in range(N):
        assert (claim_of(after, i), lean_of(after, i)) == (None, None)
        assert (edge_of(after, i) or "").startswith("no side is said: withdrawn until it holds again, as of cone at 15")
        near, hour, _ = forecast_of(after, i).horizons
        assert (
            near.uncalibrated == "cone at 15 min: returns lie outside its 80 % band more or less often than one in five"
        )
        assert hour.uncalibrated is None
        before = forecast_of(said, i).horizons[0]
        assert near.cone is not None
        assert before.cone is not None
        assert near.cone[0] < 1.5 * before.cone[0]
        assert near.cone[5] > 1.5 * before.cone[5]


def test_what_was_counted_and_claimed_goes_on_after_a_restart(bars: BarBlock) -> None:
    at = 4 * DAY - 60
    rule = ForecastRule(taker_fee_bp=0.0, enter_margin=-0.25)
    first = begun(bars, at, rule)
    earned(first)
    before = [step(first, bars, k) for k in range(at, at + 20)][-1]
    second = Outlook(M1, rule, SHIPPED)
    second.resume(first.fit, first.samples(), first.recent(0))
    for row in range(N):
        second.add(f"S{row}USDT", row)
    for row, claim in enumerate(first.claims_of(np.arange(N))):
        if claim is not None:
            second.resume_claim(row, claim)
    assert second._claims.standings() == before.standings
    assert second.claims_of(np.arange(N)) == first.claims_of(np.arange(N))
    assert second.fit is not None
    assert second.fit.version == SHIPPED.version


def kept_of(outlook: Outlook, since: int = 0) -> dict[str, np.ndarray]:
    """All that a restart goes on from, once it was written and read, its columns in the order of the symbols."""
    found = read(written(outlook.recent(since)))
    order = np.argsort(found["keys"])
    return {
        name: array[..., order] if name in ("keys", "number") or name.split(".")[0] in _OF_ROWS else array
        for name, array in found.items()
    }


_OF_ROWS = ("learning", "claims", "costs", "followed")


def resumed(bars: BarBlock, upto: int, first: Outlook, samples: Kept, recent: Kept, begin: int) -> Outlook:
    """An outlook that goes on from what was kept, its rows in another order, with the bars before bar `upto`."""
    second = Outlook(M1, _EAGER, SHIPPED)
    second.resume(first.fit, read(written(samples)), read(written(recent)))
    rows = np.array([2, 0, 1])
    for i, row in enumerate(rows.tolist()):
        second.add(f"S{i}USDT", row)
    minutes = replace(bars.part(slice(begin, upto)), rows=rows)
    five = fives(bars, upto // 5 * 5)
    second.warm_up([replace(five, rows=rows), minutes.part(slice(None), np.array([0])),
                    minutes.part(slice(None), np.array([1, 2]))])  # fmt: skip
    return second


_EAGER = ForecastRule(taker_fee_bp=0.0)


@pytest.mark.parametrize("late", [0, 7])
def test_after_a_restart_all_is_as_without_one_and_nothing_is_counted_twice(bars: BarBlock, late: int) -> None:
    at, killed, then = 4 * DAY - 90, 4 * DAY - 40, 4 * DAY + 25 + late
    first = begun(bars, at, _EAGER)
    for k in range(at, killed):
        first.with_followed(step(first, bars, k), np.arange(N), np.array([5.0, 50.0, 95.0]), np.zeros(N))
    samples, recent = first.samples(), first.recent(0)
    for k in range(killed, then):  # what is read at these closes is not known after the restart
        first.with_followed(step(first, bars, k), np.arange(N), np.full(N, np.nan), np.zeros(N))
    second = resumed(bars, then - 1, first, samples, recent, then - 400)
    assert second.catch_up() == then - 1 - killed
    assert second.catch_up() == 0
    rows, unread = np.array([2, 0, 1]), np.full(N, np.nan)
    second.with_followed(step(second, replace(bars, rows=rows), then - 1), rows, unread, np.zeros(N))
    expected, found = kept_of(first), kept_of(second)
    waits = [{tuple(each) for each in kept.pop("waiting").T.tolist()} for kept in (expected, found)]
    assert waits[0] == waits[1]
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-6, err_msg=name)
    assert expected["tally.pending"][:, :, 0].sum() > 0
    assert expected["outcomes.sums"][:, 0].sum() > 0
    training = second.take_training()
    assert training is not None
    assert training.until_ms == panels.START_MS


def test_samples_that_came_after_the_daily_ones_are_kept_with_what_is_recent(
    bars: BarBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("virtuoso.analysis.forecast.training._OPEN_MS", 20 * M1.ms)
    at = 4 * DAY - 90
    outlook = begun(bars, at)
    for k in range(at, at + 40):
        step(outlook, bars, k)
    samples, since = outlook.samples(), outlook.settled
    for k in range(at + 40, at + 80):
        step(outlook, bars, k)
    assert outlook.recent(since)["close_min"].size < outlook.samples()["close_min"].size
    again = Outlook(M1, None, SHIPPED)
    again.resume(None, samples, outlook.recent(since))
    for name in ("values", "close_min", "taken"):
        np.testing.assert_array_equal(again.samples()[name], outlook.samples()[name])


def test_where_bars_are_missing_since_nothing_is_caught_up_and_what_was_learnt_stays(bars: BarBlock) -> None:
    at, then = 4 * DAY - 90, 4 * DAY + 20
    first = begun(bars, at, _EAGER)
    for k in range(at, at + 30):
        step(first, bars, k)
    second = resumed(bars, then, first, first.samples(), first.recent(0), then - 70)
    assert second.catch_up() == 0
    step(second, replace(bars, rows=np.array([2, 0, 1])), then)
    before, after = kept_of(first), kept_of(second)
    assert after["taken"] == before["taken"]
    np.testing.assert_array_equal(after["tally.pending"], before["tally.pending"])
    np.testing.assert_array_equal(after["cone.15.pool"], before["cone.15.pool"])


def test_the_cell_of_a_signal_is_its_own_side_horizon_and_rule() -> None:
    outlook = Outlook(M1, ForecastRule(horizon_min=15))
    earned(outlook)
    standings = outlook._claims.standings()
    assert {(s.cell.side, s.cell.horizon_min) for s in standings if s.pays} == {(UP, 60)}
    assert outlook._pays(standings) == (False, False)
    outlook.rule = ForecastRule(horizon_min=60)
    assert outlook._pays(standings) == (True, False)
    assert {s.cell.rule for s in standings} == set(ClaimRule)


def test_funding_that_settles_inside_is_a_cost_of_longs_and_a_gain_of_shorts(bars: BarBlock) -> None:
    at = 4 * DAY - 60
    plain, paying, apart = (begun(bars, at) for _ in range(3))
    one = bars.part(slice(at, at + 1))
    close_ms = int(one.open_ms[0]) + M1.ms
    noted: dict[str, np.ndarray] = {name: np.full((1, N), np.nan) for name in MINUTE_FIELDS}
    # the first pays within the hour, the second after it, of the third nothing is known
    noted["funding"] = np.array([[5e-4, 5e-4, np.nan]])
    noted["funding_settles_ms"] = close_ms + M1.ms * np.array([[30.0, 61.0, np.nan]])
    known = replace(one, minutes=MinuteBlock(**noted))
    fresh = dict.fromkeys(range(N), True)
    without = plain.step([one], None, None, fresh)
    told = paying.step([known], None, None, fresh)
    parts = [known.part(slice(None), np.array(rows)) for rows in ([0, 1], [2])]
    parted = apart.step([parts[0], replace(parts[1], minutes=None)], None, None, fresh)
    assert [told.funding_bp[h].tolist() for h in (15, 60, 240)] == [[0, 0, 0], [5, 0, 0], [5, 5, 0]]
    assert told.funding_bp[1_440].tolist() == [5, 5, 0], "the hours to the settlement after it are not known"
    up, down = (
        (of.forecasts.beyond_up[60][0] for of in (told, without)),
        (of.forecasts.beyond_down[60][0] for of in (told, without)),
    )
    for (paid, free), sign in ((up, -1.0), (down, 1.0)):
        assert sign * (paid[0] - free[0]) > 0.0
        np.testing.assert_array_equal(paid[1:], free[1:])
    np.testing.assert_array_equal(told.forecasts.beyond_up[60], parted.forecasts.beyond_up[60])
    assert forecast_of(told, 0).horizons[1].funding_bp == 5.0
