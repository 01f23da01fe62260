"""The record of a planted set: what is right holds its gates, what is wrong fails them, and the page says so."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.lazily import Lazily

from virtuoso.analysis.forecast.claims.claims import Claims
from virtuoso.analysis.forecast.cones.market import MarketForecasts
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN, TAILS
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.analysis.quality.figures import Figure
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.judging.foreseen import quantiles, volatilities
from virtuoso.research.sampling.forecasts import ForecastSampler, SampledForecasts
from virtuoso.research.sampling.readings import Followed, Readings
from virtuoso.research.sampling.sets import Claimed
from virtuoso.research.track_record.chances import Chances
from virtuoso.research.track_record.cones.reach import Reach
from virtuoso.research.track_record.direction import Direction
from virtuoso.research.track_record.distances import Distances
from virtuoso.research.track_record.markdown import counted, gate_tables, page, table_lines
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.pressure import Pressure
from virtuoso.research.track_record.sections import Column, Gate, Section, Table, at_least, near, unsure
from virtuoso.research.track_record.sets import SetSpec, read_sets, shipped_sets
from virtuoso.research.track_record.weightings import Weightings

stats = Lazily("scipy.stats")
DAYS, N, STEP = 12, 2, 15
T = DAYS * 96
COST = 12e-4
SPEC = SetSpec(
    name="planted", title="a planted set", files=("*",),
    gates={"large_move_skill": (0.04, 0.04), "beyond_skill": (0.02, 0.0), "volatility_r2": (0.4, 0.4, 0.4)},
)  # fmt: skip


def planted(knows: float, seed: int = 1) -> Measured:
    """Returns of a volatility that changes by the hour, of which the forecast knows the share `knows` of the log."""
    rng = np.random.default_rng(seed)
    log_level = np.repeat(rng.normal(0, 0.7, (T // 4, N)), 4, axis=0)
    foreseen = np.exp(knows * log_level - 7.0 + 0.5 * (1 - knows) * 0.7)
    close, high, low, realised, past = {}, {}, {}, {}, {}
    volatility, cone, up, down, move, threshold = {}, {}, {}, {}, {}, {}
    for h in HORIZONS_MIN:
        scale = np.sqrt(h / 15)
        sigma = np.exp(log_level - 7.0) * scale
        close[h] = sigma * rng.normal(size=(T, N))
        high[h], low[h] = np.abs(close[h]), -np.abs(close[h])
        realised[h] = sigma * np.exp(rng.normal(0, 0.15, (T, N)))
        past[h] = np.concatenate([np.full((1, N), np.nan), close[h][:-1]])
        volatility[h] = foreseen * scale
        cone[h] = stats.norm.ppf(np.array(TAILS))[:, None, None] * volatility[h]
        threshold[h] = np.full((T, N), np.exp(-7.0) * scale * 1.6)
        move[h] = 2 * stats.norm.sf(threshold[h] / volatility[h])
        up[h] = down[h] = stats.norm.sf(COST / volatility[h])
    touch = stats.norm.ppf((1 + np.array(TAILS)) / 2)[:, None, None]  # of |return|
    independent = np.array([[1.0, 1 - 0.95**2, 0.05**2], [1.0, 1 - 0.8**2, 0.2**2]])[:, None]
    close_ms = 20_000 * DAY_MS + STEP * 60_000 * np.arange(T, dtype=np.int64)
    followed = Followed(
        close_ms=close_ms, close=close, high=high, low=low, realised=realised, past=past,
        step=past[15], cost_bp=np.full((T, N), 11.5),
    )  # fmt: skip
    readings = Readings(
        close_ms=close_ms, score=rng.uniform(20, 80, (T, N)).astype(np.float32), band=np.zeros((T, N), np.int8),
        entered=rng.choice([-1, 0, 0, 0, 1], (T, N)).astype(np.int8),
        regime=rng.integers(-1, 4, (T, N)).astype(np.int8), factors={"technical": rng.uniform(20, 80, (T, N))},
        component_names=("technical.rsi@1m", "technical.rsi@5m"), components=rng.uniform(-1, 1, (2, T, N)),
    )  # fmt: skip
    forecasts = SampledForecasts(
        close_ms=close_ms, volatility=volatility, variance={h: x**2 for h, x in volatility.items()}, cone=cone,
        high={h: touch * volatility[h] for h in HORIZONS_MIN},
        low={h: -touch[::-1] * volatility[h] for h in HORIZONS_MIN},
        large_move={h: move[h] for h in (15, 60)}, large_move_threshold={h: threshold[h] for h in (15, 60)},
        beyond_up={h: up[h] for h in (15, 60)}, beyond_down={h: down[h] for h in (15, 60)},
        at_least={h: np.broadcast_to(independent, (2, T, N + 1)) for h in HORIZONS_MIN},
    )  # fmt: skip
    return Measured(
        spec=SPEC, symbols=("A", "B"), step_min=STEP, readings=readings, followed=followed, forecasts=forecasts,
        claimed=Claimed(np.zeros((T, N), np.int8), Claims().standings()),
    )  # fmt: skip


@pytest.fixture(scope="module")
def good() -> Measured:
    return planted(1.0)


@pytest.fixture(scope="module")
def rivals(good: Measured) -> dict[str, dict[int, np.ndarray]]:
    """Rivals that know nothing: the same level always."""
    flat = {h: np.full((T, N), np.exp(-7.0) * np.sqrt(h / 15)) for h in HORIZONS_MIN}
    return {"flat": flat}


def verdicts(gates: list[Gate], word: str) -> set[bool | None]:
    found = {gate.passed for gate in gates if word in gate.name}
    assert found, word
    return found


def test_probabilities_that_know_hold_their_gates(good: Measured) -> None:
    chances = Chances()
    chances.add(good)
    assert verdicts(chances.gates(), "skill") == {True}
    sections = chances.sections()
    assert "Every skill above differs significantly from 0." in sections[0].text[-1]
    assert {plot.name for plot in sections[0].plots} >= {"chances", "large-move-planted-15"}


def test_probabilities_that_know_nothing_fail_them() -> None:
    chances = Chances()
    chances.add(planted(0.0, seed=3))
    assert verdicts(chances.gates(), "large move, skill") == {False}


def test_volatility_and_cones_that_know_beat_rivals_and_cover(
    good: Measured, rivals: dict[str, dict[int, np.ndarray]]
) -> None:
    distances, reach = Distances(), Reach()
    distances.add(good, rivals)
    cones = {"flat": {h: (stats.norm.ppf(np.array(TAILS))[:, None, None] * of) for h, of in rivals["flat"].items()}}
    reach.add(good, cones)
    assert verdicts(distances.gates(), "R²") == {True}
    assert verdicts(distances.gates(), "below flat's") == {True}
    assert verdicts(reach.gates(), "band, covered") == {True}
    assert verdicts(reach.gates(), "tail") == {True}
    assert verdicts(reach.gates(), "pinball") == {True}
    assert verdicts(reach.gates(), "after breaks") == {True}


def test_cones_that_are_too_narrow_fail_and_equal_rivals_are_not_beaten(good: Measured) -> None:
    assert good.forecasts is not None
    narrow = replace(
        good.forecasts,
        cone={h: 0.7 * x for h, x in good.forecasts.cone.items()},
        high={h: 0.7 * x for h, x in good.forecasts.high.items()},
    )
    reach = Reach()
    reach.add(replace(good, forecasts=narrow), {"itself": narrow.cone})
    assert verdicts(reach.gates(), "band, covered") == {False}
    assert verdicts(reach.gates(), "pinball loss below itself") == {False}
    assert verdicts(reach.gates(), "pinball loss not above itself") == {True}
    assert False in verdicts(reach.gates(), "touch, highest high")


def test_a_label_that_keeps_what_it_claims_holds_and_one_that_does_not_fails(good: Measured) -> None:
    assert good.forecasts is not None
    direction = Direction()
    direction.add(good)
    gates = {gate.name[:4]: gate for gate in direction.gates()}
    assert gates["HOLD"].passed is None, "twelve days are too few"
    assert "12 days" in gates["HOLD"].why
    longer = replace(
        good, followed=replace(good.followed, close_ms=good.close_ms[0] + 2 * (good.close_ms - good.close_ms[0]))
    )
    sure, vain = Direction(), Direction()
    sure.add(longer)
    high = {h: np.minimum(p + 0.2, 1.0) for h, p in good.forecasts.beyond_up.items()}
    buys = Claimed(np.ones((T, N), np.int8), Claims().standings())
    vain.add(replace(longer, forecasts=replace(good.forecasts, beyond_up=high), claimed=buys))
    assert {gate.name[:4]: gate.passed for gate in sure.gates()} == {"BUY ": None, "SELL": None, "HOLD": True}
    assert {gate.name[:4]: gate.passed for gate in vain.gates()} == {"BUY ": False, "SELL": None, "HOLD": None}
    assert "No cell is earned" in sure.sections()[0].text[1]


def test_how_many_at_once_is_claimed_as_it_comes(good: Measured) -> None:
    reach = Reach()
    reach.add(good, {})
    table = next(s for s in reach.sections() if s.title == "Outside together").tables[0]
    assert {row[2] for row in table.rows} == {"2 of 2 beyond 95 %", "2 of 2 beyond 80 %"}
    assert verdicts(reach.gates(), "at once") == {True}


def test_weightings_without_meaning_leave_the_defaults(good: Measured) -> None:
    weightings = Weightings()
    weightings.add(good)
    (section,) = weightings.sections()
    assert section.text[1].startswith("Winner: none; the defaults stay: the best of 24, ")
    assert len(section.tables[1].rows) == 24


def test_pressure_without_meaning_is_called_not_significant(good: Measured) -> None:
    pressure = Pressure()
    pressure.add(replace(good, forecasts=None))
    sections = {section.title: section for section in pressure.sections()}
    score = sections["Pressure is not a direction"].tables[0]
    assert score.rows[0][0] == "planted"
    assert "ignificant" in sections["Pressure is not a direction"].text[-1]
    rules = {row[2] for row in sections["Entering where the band is crossed"].tables[0].rows}
    assert rules >= {"stretched up (BUY)", "both, reversed", "naive: momentum", "naive: random"}


def test_a_set_without_forecasts_is_judged_by_its_scores_alone(good: Measured) -> None:
    for topic in (Chances(), Distances(), Reach()):
        topic.add(replace(good, forecasts=None), *([{}] if not isinstance(topic, Chances) else []))
        assert topic.sections() == []
        assert topic.gates() == []


def test_rivals_know_only_what_was_there(good: Measured) -> None:
    def foreseen(followed: Followed) -> Iterator[np.ndarray]:
        of = volatilities(followed, STEP)
        yield from (of[name][60] for name in ("EWMA", "GARCH-t", "own past"))
        yield quantiles(followed, STEP, of["EWMA"])[60]

    cut = 8 * 96
    changed = {
        name: {h: np.where(np.arange(T)[:, None] < cut, x, 3 * x) for h, x in getattr(good.followed, name).items()}
        for name in ("past", "realised", "close")
    }
    step = np.where(np.arange(T)[:, None] < cut, good.followed.step, 3 * good.followed.step)
    other = replace(good.followed, step=step, **changed)
    for before, after in zip(foreseen(good.followed), foreseen(other), strict=True):
        np.testing.assert_array_equal(before[..., :cut, :], after[..., :cut, :])
        assert np.isfinite(before[..., cut - 1, :]).all()


def test_gates_say_why_they_are_not_judged_and_stand_after_the_failed() -> None:
    sure, unknown = Figure(value=0.05, lower=0.01, upper=0.09, n=10, days=3), Figure(value=None)
    gates = [
        at_least("a", "s", sure, 0.04), at_least("b", "s", sure, 0.06), at_least("c", "s", unknown, 0.0),
        near("d", "s", sure, 0.08, 0.01), near("e", "s", sure, 0.08, 0.01, or_holds=True),
    ]  # fmt: skip
    assert [gate.passed for gate in gates] == [True, False, None, False, True]
    assert at_least("f", "s", replace(sure, lower=-0.01), 0.04).passed is False
    open_, held = gate_tables(gates)
    assert [row[4] for row in open_.rows] == ["**failed**", "**failed**", "not judged"]
    assert open_.rows[2][5] == "nothing to judge"
    assert [row[0] for row in held.rows] == ["s", "s"]
    assert counted(gates) == "Of 5 gates 2 hold, 2 failed, 1 could not be judged."


def test_a_page_has_n_and_days_beside_each_row() -> None:
    figure = Figure(value=-0.05, lower=-0.09, upper=-0.01, n=1234, n_eff=50.4, days=3)
    table = Table("T", (Column("set"), Column("x", 2)), (("a|b", figure), ("c", Figure(value=None))))
    lines = list(table_lines(table))
    assert lines[0] == "| set | x | n | n_eff | days |"
    assert lines[2] == "| a\\|b | −0.05 [−0.09, −0.01] | 1,234 | 50 | 3 |"
    assert lines[3] == "| c | unknown |  |  |  |"
    text = page("Title", "Before.", [Section("S", ("Words.",), (table,))], "images/x")
    assert text.startswith("# Title\n\nBefore.\n\n## S\n\nWords.\n\n### T\n")
    long = page("T", "B", [Section("S", (), (Table("Long", (Column("x"),), (("1",),) * 25),))], "x")
    assert "<details><summary>Long: 25 rows</summary>\n\n| x |" in long
    assert unsure([("x", figure)], "y") == "Every y above differs significantly from 0."
    weak = replace(figure, upper=0.01)
    assert unsure([("x", weak)], "y") == "No y above differs significantly from 0."
    assert unsure([("x", weak), ("z", figure)], "y").endswith("y of x.")


def test_forecasts_are_sampled_at_the_closes_of_the_grid() -> None:
    sampler = ForecastSampler(5)
    for first in (0, 7):
        close_ms = DAY_MS + 60_000 * np.arange(first + 1, first + 8)
        values = np.arange(first + 1.0, first + 8)[:, None]
        of = {15: values}
        market = MarketForecasts(cone={}, beta=values, at_least={15: np.broadcast_to(values, (2, 7, 1))})
        forecasts = Forecasts(
            version=None, close_ms=close_ms, rows=np.arange(1), volatility=of, variance=of,
            cone={15: np.broadcast_to(values, (6, 7, 1))}, high={}, low={}, market=market,
            large_move=of, large_move_base=of, large_move_threshold=of, beyond_up=of, beyond_down=of, cost_bp=values,
            outcomes=Outcomes(*(values[None],) * 3), realised=values[None],
        )  # fmt: skip
        sampler.add(forecasts)
    found = sampler.at(DAY_MS + 60_000 * np.array([5, 10]))
    assert found.volatility[15][:, 0].tolist() == [5.0, 10.0]
    assert found.cone[15].shape == (6, 2, 1)
    np.testing.assert_array_equal(found.at_least[15], [[[5.0, np.nan], [10.0, np.nan]]] * 2)
    with pytest.raises(ValueError, match="other closes"):
        sampler.at(DAY_MS + 60_000 * np.array([5, 11]))


def test_the_shipped_table_names_its_sets_and_one_that_is_not_there_is_empty(tmp_path: Path) -> None:
    specs = shipped_sets()
    assert [spec.name for spec in specs] == ["2025-05", "2021-04", "2023-02", "2025-02", "2025-H1"]
    assert specs[0].gates["volatility_r2"] == (0.45, 0.50, 0.40)
    assert specs[2].found(tmp_path) == []
    (tmp_path / "more/kl1m_202302").mkdir(parents=True)
    (tmp_path / "more/kl1m_202302/A-1m.csv.zst").touch()
    assert len(specs[2].found(tmp_path)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no [[set]]"),
        ('[[set]]\nname = "a"\ntitle = "A"', "a set has no 'files'"),
        ('[[set]]\nname = "a"\ntitle = "A"\nfiles = ["x"]\nbase = "1m"', "base: unknown key of a set"),
        ('[[set]]\nname = "a"\ntitle = "A"\nfiles = ["x"]\ngates = {skill = [1]}', "skill: unknown gate; there are"),
        ("[[set", "Expected"),
    ],
)
def test_a_table_of_sets_that_is_wrong_is_named_with_what_is(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "sets.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_sets(tmp_path / "sets.toml")
    assert str(caught.value).startswith(f"{tmp_path / 'sets.toml'}: ")
    assert said in str(caught.value)
