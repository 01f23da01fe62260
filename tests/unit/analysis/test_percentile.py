"""A score is ranked in the closes before it, of eight days, whatever blocks they came in, and over restarts."""

import inspect
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.panels import symbols
from tests.unit.analysis.test_engine import START, _cut, _engine
from tests.unit.analysis.test_history import FACTORS as HISTORY_FACTORS
from tests.unit.analysis.test_history import FRAMES as HISTORY_FRAMES
from tests.unit.analysis.test_history import UNSEEN, WARM, _blocks
from tests.unit.analysis.test_history import N as HISTORY_N

from virtuoso.analysis.engine import Engine
from virtuoso.analysis.percentile import DAYS, LEAST_CLOSES, WARM_CLOSES, PastDay, ScorePast
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.model.documents import SignalItem
from virtuoso.model.evidence import Evidence

BIN = 0.5
MINUTE, DAY = 60_000, 86_400_000
BEGIN = 20_000 * DAY


@pytest.fixture(scope="module")
def evaluations() -> list[Evaluation]:
    engine = _engine()
    return [engine.step(_cut(k)) for k in range(START - 1, START + 20)]


def past(rows: int = 1) -> ScorePast:
    made = ScorePast()
    made.memory.reserve(rows)
    return made


def stepped(made: ScorePast, close_ms: int, *scores: float) -> tuple[list[float], list[float]]:
    score = np.array(scores)
    ranked = made.step(slice(0, score.size), score, np.isfinite(score), close_ms)
    return ranked.percentile.tolist(), ranked.closes.tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 100), min_size=LEAST_CLOSES, max_size=LEAST_CLOSES + 60),
    st.integers(1, 60 * 24),
    st.floats(0, 100),
)
def test_it_is_the_share_of_earlier_closes_below_to_within_a_bin(scores: list[float], apart: int, last: float) -> None:
    made, closes = past(), [BEGIN + i * apart * MINUTE for i in range(len(scores) + 1)]
    for close_ms, score in zip(closes, scores, strict=False):
        stepped(made, close_ms, score)
    oldest = (closes[-1] // DAY - DAYS + 1) * DAY
    kept = np.array([s for close_ms, s in zip(closes, scores, strict=False) if close_ms >= oldest])
    (percentile,), (known,) = stepped(made, closes[-1], last)
    assert known == kept.size
    if kept.size < LEAST_CLOSES:
        assert np.isnan(percentile)
        return
    low, high = 100 * (kept < last - BIN).mean(), 100 * (kept <= last + BIN).mean()
    assert low - 1e-9 <= percentile <= high + 1e-9


def test_a_close_is_not_among_its_own_past_and_counts_once_however_often_it_is_judged() -> None:
    made = past()
    for i in range(LEAST_CLOSES - 1):
        stepped(made, BEGIN + i * MINUTE, 50.0)
    at = BEGIN + LEAST_CLOSES * MINUTE
    assert stepped(made, at, 60.0)[1] == [LEAST_CLOSES - 1]
    later = at + MINUTE
    assert stepped(made, later, 60.1) == stepped(made, later, 60.1)
    assert stepped(made, later, 40.0) == ([0.0], [LEAST_CLOSES])
    assert stepped(made, later + MINUTE, 39.9)[1] == [LEAST_CLOSES + 1]
    assert stepped(made, later + 2 * MINUTE, 39.9)[0][0] < 1.0  # the 40 of the last judgement stands


def test_what_has_no_evidence_is_neither_ranked_nor_counted() -> None:
    made = past()
    for i in range(LEAST_CLOSES):
        stepped(made, BEGIN + i * MINUTE, 50.0)
    (percentile,), (known,) = stepped(made, BEGIN + LEAST_CLOSES * MINUTE, np.nan)
    assert (np.isnan(percentile), known) == (True, LEAST_CLOSES)
    made.learn(slice(0, 1), np.array([[70.0]]), np.array([BEGIN + LEAST_CLOSES * MINUTE]))
    assert stepped(made, BEGIN + (LEAST_CLOSES + 1) * MINUTE, 51.0) == ([100.0], [LEAST_CLOSES])


def test_days_are_forgotten_one_by_one_and_rows_apart() -> None:
    made = past(2)
    for i in range(300):
        stepped(made, BEGIN + i * MINUTE, 40.0, np.nan)
    for i in range(100):
        stepped(made, BEGIN + DAY + i * MINUTE, 60.0, 45.0)
    last = BEGIN + (DAYS - 1) * DAY
    assert stepped(made, last, 50.0, 50.0)[1] == [400, 100]
    assert stepped(made, last + DAY, 50.0, 50.0)[1] == [101, 101]
    assert stepped(made, last + 3 * DAY, 50.0, 50.0)[1] == [2, 2]


def test_a_restart_goes_on_from_what_was_kept_and_from_what_bars_tell_of_the_gap() -> None:
    rng = np.random.default_rng(4)
    scores = rng.uniform(25, 75, (900, 2))
    closes = BEGIN + DAY - 500 * MINUTE + MINUTE * np.arange(900)
    whole, first = past(2), past(2)
    first.learn(slice(0, 2), scores[:300], closes[:300])
    whole.learn(slice(0, 2), scores[:300], closes[:300])
    kept: dict[int, PastDay] = {}
    for k in range(300, 700):
        expected = stepped(whole, int(closes[k]), *scores[k])
        assert stepped(first, int(closes[k]), *scores[k]) == expected
        kept |= {day.day: day for day in first.changed({0: "A", 1: "B"})}
    again = past(2)
    again.recall(kept.values())
    again.begin("B", 0)
    again.begin("A", 1)
    assert again.until_ms(slice(0, 2)) == closes[699]
    again.learn(slice(0, 2), scores[600:800, ::-1], closes[600:800])  # of which a hundred are counted already
    whole.learn(slice(0, 2), scores[700:800], closes[700:800])
    for k in range(800, 900):
        percentile, known = stepped(whole, int(closes[k]), *scores[k])
        assert stepped(again, int(closes[k]), *scores[k][::-1]) == (percentile[::-1], known[::-1])
    bars = again.step(slice(0, 2), scores[0], np.zeros(2, dtype=bool), int(closes[-1]) + MINUTE).from_bars
    assert bars.tolist() == [400, 400]


def test_what_was_kept_too_long_ago_or_is_of_another_make_is_left_out() -> None:
    made = past()
    stepped(made, BEGIN, 50.0)
    (old,) = made.changed({0: "A"})
    stepped(made, BEGIN + (DAYS + 1) * DAY, 50.0)
    (new,) = made.changed({0: "A"})
    again = past()
    again.recall([old, new])
    again.begin("A", 0)
    assert stepped(again, BEGIN + (DAYS + 1) * DAY + MINUTE, 50.0)[1] == [1]
    with pytest.raises(ValueError, match="cannot be read"):
        msgspec.structs.replace(new, counts=b"else").table()


def test_a_warm_up_knows_the_scores_of_its_last_closes_as_they_were_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its past is what long blocks score at those closes, and the bars after it change nothing of that."""
    learnt: list[tuple[np.ndarray, np.ndarray]] = []
    original = ScorePast.learn

    def learn(self: ScorePast, rows, scores: np.ndarray, close_ms: np.ndarray) -> None:
        learnt.append((close_ms, scores))
        original(self, rows, scores, close_ms)

    monkeypatch.setattr(ScorePast, "learn", learn)
    engines = [Engine(HISTORY_FRAMES, HISTORY_FACTORS) for _ in range(2)]
    for engine in engines:
        for row, symbol in enumerate(symbols(HISTORY_N)):
            engine.add(symbol, row)
    begin = WARM - WARM_CLOSES
    engines[0].warm_up(list(_blocks(UNSEEN, 0, WARM).values()))
    closes, scores = (np.concatenate(parts) for parts in zip(*learnt, strict=True))
    assert closes.tolist() == (UNSEEN.open_ms[begin:WARM] + MINUTE).tolist()
    engines[1].warm_up([block.part(slice(None)) for block in _blocks(UNSEEN, 0, begin).values()])
    expected = engines[1].score_blocks(_blocks(UNSEEN, begin, WARM), Evidence.BARS)
    np.testing.assert_array_equal(scores, expected.score)
    assert np.isfinite(scores).all()


def test_blocks_of_unlike_symbols_are_scored_by_what_each_has() -> None:
    """Rows that stand in other blocks of a timeframe have the same past as if each were warmed up alone."""
    blocks = _blocks(UNSEEN, 0, WARM)
    alone, apart = (Engine(HISTORY_FRAMES, HISTORY_FACTORS) for _ in range(2))
    columns = [np.arange(HISTORY_N) == row for row in range(HISTORY_N)]
    for row, symbol in enumerate(symbols(HISTORY_N)):
        for engine in (alone, apart):
            engine.add(symbol, row)
        alone.warm_up([block.part(slice(None), columns[row]) for block in blocks.values()])
    base, *higher = blocks.values()
    apart.warm_up([base.part(slice(None), ~columns[1]), base.part(slice(None), columns[1]), *higher])
    (one,), (other,) = alone.changed_past()[-1:], apart.changed_past()[-1:]
    assert (one.table() == other.table()).all()
    assert one.from_bars == other.from_bars
    assert sum(one.from_bars) > 0


def test_the_engine_ranks_by_what_came_before(evaluations: list[Evaluation]) -> None:
    """Recomputed from the scores alone, to within a bin; the first close was scored by the warm-up, too."""
    first, last = evaluations[0], evaluations[-1]
    assert (first.ranked.closes == WARM_CLOSES - 1).all()
    assert (last.ranked.closes == WARM_CLOSES - 1 + len(evaluations) - 1).all()
    assert (last.ranked.from_bars == WARM_CLOSES - 1).all()
    reading = last.reading(last.symbols[0])
    assert reading.score_percentile == last.ranked.percentile[0]
    assert (reading.past_closes, reading.past_from_bars) == (last.ranked.closes[0], WARM_CLOSES - 1)


def test_the_pages_name_the_limits_of_the_code(root: Path) -> None:
    page = (root / "docs" / "methodology.md").read_text("utf-8")
    for said in (f"fewer than {LEAST_CLOSES} closes", f"The last {WARM_CLOSES} closes of its warm-up"):
        assert said in page
    assert f"fewer than {LEAST_CLOSES} such closes" in " ".join(inspect.getsource(SignalItem).split())
    assert DAYS == 8, "today and the seven days before it"
