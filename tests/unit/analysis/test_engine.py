"""The engine: cuts in, evaluations with their whole tree of reasons out."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.support.banks import mirror_bars, mirror_book
from tests.support.panels import aggregate, cut, part, random_bars, random_book, symbols

from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.component import Mirror
from virtuoso.analysis.engine import Engine
from virtuoso.analysis.percentile import WARM_CLOSES
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.market.panel import Cut
from virtuoso.model.clock import iso
from virtuoso.model.errors import InvariantError
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Band, Reading
from virtuoso.model.timeframe import Timeframe

N = 4
HIGHER = (Timeframe.M5, Timeframe.M30)
FRAMES = {Timeframe.M1: 0.4, Timeframe.M5: 0.3, Timeframe.M30: 0.2}
START = 5700  # 190 bars of 30m: everything but the long average of volatility is ready
BASE = random_bars(START + 120, N, seed=21, minutes=True)
FLOW, BOOK, VOLUME, STRUCTURE, TECHNICAL, SENTIMENT = range(6)
PURE = {"order_book": 0.20, "volume": 0.18, "price_structure": 0.15, "technical": 0.10}
"""Factors that one and the same mirror negates; order flow and sentiment are weighed by measures of log returns."""
BARS = {tf: aggregate(BASE, tf) for tf in HIGHER}


@cache
def _warm(until: int, mirrored: bool, pure: bool) -> dict:
    """The state of an engine warmed up to minute `until`."""
    base = mirror_bars(BASE, Mirror.DIFFERENCE) if mirrored else BASE
    engine = Engine(FRAMES, PURE if pure else None)
    for row, symbol in enumerate(symbols(N)):
        engine.add(symbol, row)
    blocks = [part(aggregate(base, tf), 0, until // tf.minutes) for tf in HIGHER]
    engine.warm_up([part(base, 0, until), *blocks])
    return engine.state()


NOTHING_SAID = "signal, confidence: nothing is forecast of this bar"


def _engine(until: int = START, mirrored: bool = False, rule: BandRule | None = None, pure: bool = False) -> Engine:
    engine = Engine(FRAMES, PURE if pure else None, rule=rule)
    for row, symbol in enumerate(symbols(N)):
        engine.add(symbol, row)
    engine.load(_warm(until, mirrored, pure))
    return engine


def _cut(k: int, **options) -> Cut:
    return cut(BASE, BARS, k, random_book(BASE.close[k], seed=k), **options)


def _run(engine: Engine, start: int, stop: int) -> list[Evaluation]:
    return [engine.step(_cut(k)) for k in range(start, stop)]


@pytest.fixture(scope="module")
def evaluations() -> list[Evaluation]:
    return _run(_engine(), START, START + 120)


def test_contributions_sum_to_every_score(evaluations: list[Evaluation]) -> None:
    for evaluation in evaluations[::10]:
        for reading in evaluation.readings():
            assert reading.score is not None
            assert sum(f.contribution for f in reading.factors) == pytest.approx(reading.score - 50, abs=1e-12)
            assert sum(f.effective_weight for f in reading.factors) == pytest.approx(1, abs=1e-12)
            for factor in reading.factors:
                assert factor.score is not None
                points = sum(c.contribution for c in factor.components)
                assert points == pytest.approx(factor.score - 50, abs=1e-12)
                assert sum(c.weight for c in factor.components) == pytest.approx(1, abs=1e-12)


def test_the_tree_holds_every_component_of_every_timeframe(evaluations: list[Evaluation]) -> None:
    reading = evaluations[-1].reading("S2USDT")
    shape = {f.name: (len(f.components), len(f.modifiers)) for f in reading.factors}
    assert shape == {
        "order_flow": (5, 3), "order_book": (4, 3), "volume": (18, 3), "price_structure": (18, 0),
        "technical": (21, 3), "sentiment": (4, 1),
    }  # fmt: skip
    technical = reading.factors[TECHNICAL]
    assert [c.timeframe for c in technical.components[:8]] == [Timeframe.M1] * 7 + [Timeframe.M5]
    assert {c.timeframe for f in (FLOW, BOOK, SENTIMENT) for c in reading.factors[f].components} == {None}
    assert reading.quality is DataQuality.LIVE
    assert reading.reasons == (NOTHING_SAID,)
    assert reading.coverage == pytest.approx(1.0)


def test_a_modifier_scales_what_it_names(evaluations: list[Evaluation]) -> None:
    technical = evaluations[-1].reading("S0USDT").factors[TECHNICAL]
    adx = next(m for m in technical.modifiers if m.timeframe is Timeframe.M5)
    di = next(c for c in technical.components if c.timeframe is Timeframe.M5 and c.name == "di_difference")
    assert adx.scales == "di_difference"
    assert adx.raw is not None
    assert adx.value == pytest.approx(np.tanh(adx.raw / 25))
    assert di.raw is not None
    assert di.value == pytest.approx(np.tanh(di.raw / 20) * adx.value)


def test_scores_move_and_bands_follow_them(evaluations: list[Evaluation]) -> None:
    scores = np.stack([evaluation.score for evaluation in evaluations])
    assert np.abs(np.diff(scores, axis=0)).max() > 1
    bands = {evaluation.bridged_band("S1USDT") for evaluation in evaluations}
    assert bands <= set(Band)
    entered = scores[0] >= 70
    assert ((evaluations[0].band == 1) == entered).all()


def test_splitting_between_warm_up_and_steps_changes_no_score() -> None:
    early = _run(_engine(until=START - 30), START - 30, START + 10)[-1]
    late = _run(_engine(), START, START + 10)[-1]
    bars_early = [f.result.x for f in early.factors if f.factor.name != "order_book"]
    bars_late = [f.result.x for f in late.factors if f.factor.name != "order_book"]
    np.testing.assert_array_equal(bars_early, bars_late)


def test_a_restored_engine_goes_on_as_if_nothing_had_happened() -> None:
    engine = _engine()
    _run(engine, START, START + 5)
    other = Engine(FRAMES)
    for row, symbol in enumerate(symbols(N)):
        other.add(symbol, row)
    other.load(engine.state())
    here, there = _run(engine, START + 5, START + 30)[-1], _run(other, START + 5, START + 30)[-1]
    np.testing.assert_array_equal(here.score, there.score)
    np.testing.assert_array_equal(here.band, there.band)
    with pytest.raises(ValueError, match="timeframes"):
        Engine({Timeframe.M1: 1.0}).load(engine.state())


def test_mirroring_the_market_mirrors_scores_bands_and_keeps_agreement() -> None:
    mirrored = mirror_bars(BASE, Mirror.DIFFERENCE)
    higher = {tf: aggregate(mirrored, tf) for tf in HIGHER}
    engine = _engine(mirrored=True, pure=True)
    here = _run(_engine(pure=True), START, START + 40)
    there = [
        engine.step(cut(mirrored, higher, k, mirror_book(random_book(BASE.close[k], seed=k))))
        for k in range(START, START + 40)
    ]
    for a, b in zip(here, there, strict=True):
        np.testing.assert_allclose(a.score - 50, 50 - b.score, rtol=0, atol=1e-7)
        np.testing.assert_array_equal(a.band, -b.band)
        np.testing.assert_allclose(a.total.agreement, b.total.agreement, atol=1e-7)


def test_late_bars_in_a_later_cut_give_the_same_reading() -> None:
    prompt = _run(_engine(), START, START + 4)[-1]
    engine = _engine()
    on_time, late = np.array([0, 2, 3]), np.array([1])
    for k in range(START, START + 4):
        whole = _cut(k)
        bars = {tf: tuple(part(b, 0, 1, on_time) for b in blocks) for tf, blocks in whole.bars.items()}
        engine.step(_chosen(replace(whole, bars=bars), on_time))
    missed = {Timeframe.M1: (part(BASE, START, START + 4, late),)}
    for tf in HIGHER:
        first = START // tf.minutes
        block = part(BARS[tf], first, (START + 4) // tf.minutes, late)
        if block.open_ms.size:
            missed[tf] = (block,)
    repaired = engine.step(_chosen(replace(_cut(START + 3), bars=missed, book=None), late))
    assert repaired.symbols == ("S1USDT",)
    for ours, theirs in zip(repaired.factors[2:], prompt.factors[2:], strict=True):
        np.testing.assert_allclose(ours.result.x[0], theirs.result.x[1], rtol=1e-12)


def _chosen(whole: Cut, columns: np.ndarray) -> Cut:
    def pick(items: tuple) -> tuple:
        return tuple(items[i] for i in columns)

    return replace(
        whole,
        symbols=pick(whole.symbols),
        rows=whole.rows[columns],
        book=None,
        bar_quality=pick(whole.bar_quality),
        book_quality=pick(whole.book_quality),
        tape_quality=pick(whole.tape_quality),
        ticker_quality=pick(whole.ticker_quality),
        evidence=pick(whole.evidence),
        detailed=pick(whole.detailed),
    )


def test_bands_of_repaired_minutes_advance_one_by_one() -> None:
    """Four late minutes in one cut leave the band where four cuts in time would have left it."""
    prompt, late = _engine(), _engine()
    for k in range(START, START + 90):
        expected = prompt.step(replace(_cut(k), book=None))
    for first in range(START, START + 90, 5):
        bars = {Timeframe.M1: (part(BASE, first, first + 5),)}
        for tf in HIGHER:
            block = part(BARS[tf], first // tf.minutes, (first + 5) // tf.minutes)
            if block.open_ms.size:
                bars[tf] = (block,)
        got = late.step(replace(_cut(first + 4), bars=bars, book=None))
    np.testing.assert_array_equal(got.score, expected.score)
    np.testing.assert_array_equal(got.band, expected.band)
    np.testing.assert_array_equal(late.state()["4"]["1"], prompt.state()["4"]["1"])  # bars held


def test_nothing_yet_is_null_with_reasons() -> None:
    engine = Engine(FRAMES, PURE)
    for row, symbol in enumerate(symbols(N)):
        engine.add(symbol, row)
    reading = engine.step(replace(_cut(0), book=None)).reading("S0USDT")
    assert reading.score is None
    assert reading.agreement is None or reading.agreement == 0
    assert reading.band is None
    assert reading.coverage == 0
    assert reading.reasons[0] == "no factor has data"
    technical = reading.factors[3]
    assert technical.score is None
    assert technical.reason == "warming up: 1 of 14 bars"
    assert technical.components[0].reason == "warming up: 1 of 112 bars"
    assert technical.components[7].reason == "no bar yet"
    assert reading.factors[0].reason == "no bar yet"


def test_without_a_book_its_weight_is_redistributed_and_coverage_says_so() -> None:
    engine = _engine()
    reading = engine.step(replace(_cut(START), book=None)).reading("S0USDT")
    assert reading.score is not None
    weights = [0.30 / 0.80, 0, 0.18 / 0.80, 0.15 / 0.80, 0.10 / 0.80, 0.07 / 0.80]
    assert [f.effective_weight for f in reading.factors] == pytest.approx(weights)
    assert reading.coverage == pytest.approx(0.8)
    assert reading.quality is DataQuality.PARTIAL
    assert reading.reasons == ("order_book: no bar yet", NOTHING_SAID)


def test_a_stale_book_drops_out() -> None:
    engine = _engine()
    whole = _cut(START)
    reading = engine.step(replace(whole, book_quality=(DataQuality.STALE,) * N)).reading("S0USDT")
    assert reading.factors[BOOK].score is None
    assert reading.factors[BOOK].reason == "data is stale"
    assert reading.quality is DataQuality.PARTIAL


@pytest.mark.parametrize(
    ("quality", "share"),
    [(DataQuality.LIVE, 1.0), (DataQuality.DELAYED, 0.9), (DataQuality.PARTIAL, 0.6), (DataQuality.STALE, 0.25)],
)
def test_agreement_is_agreement_times_coverage_times_quality(quality: DataQuality, share: float) -> None:
    whole = _cut(START, quality=quality)
    reading = _engine().step(replace(whole, book=None)).reading("S3USDT")
    assert reading.consensus is not None
    assert reading.disagreement is not None
    vpin = next(m for m in reading.factors[FLOW].modifiers if m.name == "vpin")
    assert vpin.scales == "agreement"
    expected = reading.consensus * (1 - reading.disagreement) * reading.coverage * share * vpin.value
    assert reading.agreement == pytest.approx(expected, abs=1e-12)
    worst = DataQuality.PARTIAL if quality in {DataQuality.LIVE, DataQuality.DELAYED} else quality
    assert reading.quality is worst


def test_no_band_on_stale_bars_or_thin_coverage() -> None:
    """The same market that is stretched when fresh has no band, and a reason, otherwise."""

    def last(engine: Engine, without_book: bool = False, **options) -> tuple[Reading, ...]:
        for k in range(START, START + 120):
            whole = _cut(k, **options)
            evaluation = engine.step(replace(whole, book=None) if without_book else whole)
            if (abs(evaluation.band) == 1).any() or (abs(evaluation.score - 50) >= 10).any():
                return tuple(evaluation.readings())
        raise AssertionError("the market never moved enough")

    fresh = last(_engine(rule=BandRule(up=60, down=40)))
    stale = last(_engine(rule=BandRule(up=60, down=40)), quality=DataQuality.STALE)
    strict = _engine(rule=BandRule(up=60, down=40, min_coverage=1.0))
    thin = last(strict, without_book=True)
    assert {r.band for r in fresh} != {Band.BALANCED}
    assert {r.band for r in stale} == {None} == {r.band for r in thin}
    assert all("data is stale" in r.reasons for r in stale)
    short = "coverage 0.80 is below 1.00, which is 1 of the 1.00 that this symbol can have"
    assert all(short in r.reasons for r in thin)


def test_a_row_taken_by_another_symbol_begins_anew_and_others_go_on() -> None:
    engine = _engine()
    undisturbed = _run(_engine(), START, START + 1)[0]
    engine.add("NEWUSDT", 1)
    whole = replace(_cut(START), symbols=("S0USDT", "NEWUSDT", "S2USDT", "S3USDT"))
    evaluation = engine.step(whole)
    assert evaluation.reading("NEWUSDT").factors[TECHNICAL].reason == "warming up: 1 of 14 bars"
    np.testing.assert_array_equal(evaluation.score[[0, 2, 3]], undisturbed.score[[0, 2, 3]])
    assert "S1USDT" not in evaluation
    with pytest.raises(InvariantError, match="row 1 was not added for S1USDT"):
        engine.step(_cut(START + 1))


def test_rows_may_leave_holes_and_capacity_grows() -> None:
    engine, dense = _engine(), _engine()
    expected = _run(dense, START, START + 1)[0]
    engine.remove(2)
    keep = np.array([0, 1, 3])
    whole = _cut(START)
    bars = {tf: tuple(part(b, 0, 1, keep) for b in blocks) for tf, blocks in whole.bars.items()}
    evaluation = engine.step(_chosen(replace(whole, bars=bars), keep))
    np.testing.assert_allclose(evaluation.factors[VOLUME].result.x, expected.factors[VOLUME].result.x[keep], rtol=1e-12)
    engine.add("FARUSDT", 900)
    far = replace(part(BASE, START + 1, START + 2, np.array([0])), rows=np.array([900]), minutes=None)
    only = _chosen(_cut(START + 1), np.array([0]))
    only = replace(only, symbols=("FARUSDT",), rows=np.array([900]), bars={Timeframe.M1: (far,)})
    assert engine.step(only).reading("FARUSDT").score is None


def test_a_symbol_whose_base_bar_is_missing_says_so() -> None:
    engine = _engine()
    keep = np.array([0, 1, 2])
    whole = _cut(START)
    bars = {tf: tuple(part(b, 0, 1, keep) for b in blocks) for tf, blocks in whole.bars.items()}
    reading = engine.step(replace(whole, bars=bars)).reading("S3USDT")
    base = [c for c in reading.factors[TECHNICAL].components if c.timeframe is Timeframe.M1]
    assert {c.reason for c in base} == {"the last bar is missing"}
    assert {c.value for c in base} == {None}


def test_unknown_factors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sentimint.*order_book"):
        Engine(FRAMES, {"sentimint": 1.0})


def test_history_is_what_the_slowest_measure_needs() -> None:
    engine = Engine()
    assert engine.history(Timeframe.M1) == 185 + WARM_CLOSES
    assert engine.history(Timeframe.M30) == 337 + WARM_CLOSES // 30


def test_tape_quality_counts_where_taker_sides_count() -> None:
    whole = replace(_cut(START), tape_quality=(DataQuality.DELAYED,) * N)
    reading = _engine().step(whole).reading("S0USDT")
    quality = {f.name: f.quality for f in reading.factors}
    assert quality == {
        "order_flow": DataQuality.DELAYED, "order_book": DataQuality.LIVE, "volume": DataQuality.DELAYED,
        "price_structure": DataQuality.LIVE, "technical": DataQuality.LIVE, "sentiment": DataQuality.LIVE,
    }  # fmt: skip
    assert reading.quality is DataQuality.DELAYED


def test_every_leaf_says_when_and_how_good_its_data_is(evaluations: list[Evaluation]) -> None:
    reading = evaluations[27].reading("S1USDT")  # 28 minutes after a boundary of all timeframes
    close = evaluations[27].close_ms
    for factor in reading.factors:
        for leaf in factor.components:
            frame = leaf.timeframe or Timeframe.M1
            assert leaf.time == iso(frame.floor(close))
            assert leaf.quality is DataQuality.LIVE
            assert leaf.score == pytest.approx(50 * (1 + leaf.value))


def test_timeframes_stand_beside_the_score_with_their_alignment(evaluations: list[Evaluation]) -> None:
    for evaluation in evaluations[::13]:
        for reading in evaluation.readings():
            assert [frame.timeframe for frame in reading.timeframes] == list(FRAMES)
            assert sum(frame.weight for frame in reading.timeframes) == pytest.approx(1)
            x = [(frame.weight, frame.score / 50 - 1) for frame in reading.timeframes]
            net, size = abs(sum(w * v for w, v in x)), sum(w * abs(v) for w, v in x)
            assert reading.alignment == pytest.approx(net / size)


def test_the_hash_names_what_went_in(evaluations: list[Evaluation]) -> None:
    again = _run(_engine(), START, START + 3)
    assert [e.reading("S0USDT").input_hash for e in again] == [e.reading("S0USDT").input_hash for e in evaluations[:3]]
    hashes = [reading.input_hash for e in evaluations for reading in e.readings()]
    assert len(set(hashes)) == len(hashes)


def test_the_sentences_say_the_numbers(evaluations: list[Evaluation]) -> None:
    for evaluation in evaluations[::17]:
        for reading in evaluation.readings():
            first, second, *rest = reading.why
            assert first.startswith(f"{reading.symbol} is {reading.band} at {reading.score:.1f}")
            strongest = max(reading.factors, key=lambda f: abs(f.contribution))
            assert f"{strongest.name.replace('_', ' ')} ({strongest.contribution:+.1f})" in first
            assert second.startswith("What weighs most: ")
            assert bool(rest) == (reading.counterfactual is not None or reading.reasons != (NOTHING_SAID,))
            if reading.counterfactual is not None:
                assert f"It would be {reading.counterfactual.would_be} with" in rest[0]
