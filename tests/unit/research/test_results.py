"""What a backtest leaves behind: both files, read back, and a summary that a slow count confirms."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.lazily import Lazily

from virtuoso.analysis.regimes.regime import REGIMES
from virtuoso.model.errors import UsageError
from virtuoso.research.followed import FollowedBlock
from virtuoso.research.moments import Moments
from virtuoso.research.output import table_file
from virtuoso.research.output.results import Results
from virtuoso.research.scored import Readings, ScoredBlock
from virtuoso.research.summary import Summary

pandas = Lazily("pandas")
SYMBOLS = ("ADAUSDT", "BTCUSDT", "ETHUSDT")
FACTORS = ("technical", "volume", "price_structure")
MINUTE_MS = 60_000
FIRST_CLOSE_MS = 1_746_373_080_000
FRAMES = ("1m", "4h")
COMPONENTS = ("technical.rsi.1m", "technical.rsi.4h", "order_flow.volume_delta")
OUTCOMES = ("return_15m", "high_15m", "low_15m")
READINGS = Readings(SYMBOLS, FACTORS, FRAMES, COMPONENTS)
COLUMNS = [
    "time", "symbol", "band", "regime", "score", "agreement", "coverage", *FACTORS, "score_1m", "score_4h",
    "p_bullish", "p_bearish", "p_neutral", "p_volatile",
]  # fmt: skip
NAMES = {-1: "stretched down", 0: "balanced", 1: "stretched up", 2: "unknown"}
OTHER = {"bars_read": 900, "bars_missing": 7, "bad_rows_skipped": 3, "seconds": 2.0, "config_digest": "abc"}


def scored(minutes: int = 400, seed: int = 2) -> ScoredBlock:
    """Random readings; ETH comes late, minutes are missing, scores and factors are unknown now and then."""
    rng = np.random.default_rng(seed)
    shape = (minutes, len(SYMBOLS))

    def unknown(array: np.ndarray, share: float) -> np.ndarray:
        return np.where(rng.random(shape) < share, np.nan, array)

    common = rng.normal(0, 8, shape)
    present = rng.random(shape) > 0.1
    present[: minutes // 3, 2] = False
    score = np.clip(50 + 2 * common + rng.normal(0, 5, shape), 0, 100)
    score[0, 0], score[1, 0], score[2, 0], score[3, 0] = 100.0, 0.0, 70.0, 30.0
    band = np.where(rng.random(shape) < 0.7, 0, rng.choice([-1, 1, 2], shape)).astype(np.int8)
    return ScoredBlock(
        close_ms=FIRST_CLOSE_MS + MINUTE_MS * np.arange(minutes),
        symbols=SYMBOLS,
        present=present,
        band=band,
        bridged=np.where((band == 2) & (rng.random(shape) < 0.5), np.int8(1), band),  # a part of the gaps is bridged
        score=unknown(score, 0.05),
        agreement=unknown(rng.random(shape), 0.05),
        coverage=rng.random(shape),
        factors={name: unknown(50 + common + rng.normal(0, 3 * i, shape), 0.1 * i) for i, name in enumerate(FACTORS)},
        frames={name: unknown(50 + common, 0.1) for name in FRAMES},
        regime=unknown(rng.integers(0, 4, shape).astype(float), 0.2),
        probabilities={regime.value: unknown(rng.random(shape), 0.2) for regime in REGIMES},
        components={name: unknown(rng.uniform(-1, 1, shape), 0.3) for name in COMPONENTS},
    )


def pieces(block: ScoredBlock, cuts: list[int]) -> Iterator[ScoredBlock]:
    """The block, cut at these minutes."""
    minutes = block.close_ms.size
    bounds = [0, *sorted(cuts), minutes]
    for a, b in pairwise(bounds):
        part = slice(a, b)
        yield ScoredBlock(
            close_ms=block.close_ms[part],
            symbols=block.symbols,
            present=block.present[part],
            band=block.band[part],
            bridged=block.bridged[part],
            score=block.score[part],
            agreement=block.agreement[part],
            coverage=block.coverage[part],
            factors=cut(block.factors, part),
            frames=cut(block.frames, part),
            regime=block.regime[part],
            probabilities=cut(block.probabilities, part),
            components=cut(block.components, part),
        )


def cut(arrays: Mapping[str, np.ndarray], part: slice) -> dict[str, np.ndarray]:
    return {name: array[part] for name, array in arrays.items()}


def rows_of(block: ScoredBlock) -> list[dict[str, Any]]:
    """The slow reference: one reading after the other."""
    rows = []
    for i, close_ms in enumerate(block.close_ms.tolist()):
        for j, symbol in enumerate(block.symbols):
            if block.present[i, j]:
                arrays = {"score": block.score, "agreement": block.agreement, "coverage": block.coverage}
                arrays |= {**block.factors, **{f"score_{name}": array for name, array in block.frames.items()}}
                arrays |= {f"p_{name.lower()}": array for name, array in block.probabilities.items()}
                numbers = {k: float(v[i, j]) for k, v in arrays.items()}
                regime = block.regime[i, j]
                rows.append(
                    {
                        "time": datetime.fromtimestamp(close_ms / 1000, UTC),
                        "symbol": symbol,
                        "band": None if block.band[i, j] == 2 else NAMES[int(block.band[i, j])],
                        "regime": None if np.isnan(regime) else REGIMES[int(regime)].value,
                        **{k: None if np.isnan(v) else v for k, v in numbers.items()},
                    }
                )
    return rows


def summed(blocks: Iterator[ScoredBlock] | list[ScoredBlock], **options: float) -> dict[str, Any]:
    summary = Summary(SYMBOLS, FACTORS, **options)
    for block in blocks:
        summary.add(block)
    return summary.document(**OTHER)  # type: ignore[arg-type]


def followed(block: ScoredBlock) -> FollowedBlock:
    """What followed each reading of a block: numbers that are those of no other."""
    values = np.stack([block.coverage + i for i in range(len(OUTCOMES))]).astype(np.float32)
    values[:, block.coverage > 0.9] = np.nan
    return FollowedBlock(block.close_ms, block.present, values)


def write(directory: Path, blocks: Iterator[ScoredBlock] | list[ScoredBlock], summary: dict[str, Any]) -> None:
    with Results(directory, READINGS, OUTCOMES) as results:
        for block in blocks:
            results.write(block)
            results.write_followed(followed(block))
        results.finish(summary)


def test_signals_are_read_back_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_file, "GROUP_CELLS", 100 * len(COLUMNS))
    block = scored()
    write(tmp_path / "new" / "out", pieces(block, [1, 7, 7, 150, 390]), {})
    path = tmp_path / "new" / "out" / "signals.parquet"
    assert pq.read_table(path).to_pylist() == rows_of(block)
    file = pq.ParquetFile(path)
    assert file.metadata.num_row_groups == 3, "small blocks are gathered, and no more than a group is held"
    assert file.metadata.row_group(0).column(3).compression == "ZSTD"
    text = pa.dictionary(pa.int32(), pa.string())
    kinds = [pa.timestamp("ms", "UTC"), text, *file.schema_arrow.types[2:4], *[pa.float64()] * (len(COLUMNS) - 4)]
    assert file.schema_arrow.types == kinds
    assert all(map(pa.types.is_dictionary, kinds[2:4]))
    assert file.schema_arrow.names == COLUMNS


def test_what_followed_is_rows_of_the_same_readings(tmp_path: Path) -> None:
    block = scored()
    write(tmp_path, pieces(block, [50, 51]), {})
    signals, outcomes = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("signals", "outcomes"))
    assert outcomes.column_names == ["time", "symbol", *OUTCOMES]
    assert outcomes.select(["time", "symbol"]).to_pylist() == signals.select(["time", "symbol"]).to_pylist()
    for name, values in zip(OUTCOMES, followed(block).values, strict=True):
        np.testing.assert_array_equal(outcomes[name].to_numpy(zero_copy_only=False), values[block.present])


def test_components_are_rows_of_the_same_readings(tmp_path: Path) -> None:
    block = scored()
    write(tmp_path, pieces(block, [50, 51]), {})
    signals, components = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("signals", "components"))
    assert components.column_names == ["time", "symbol", *COMPONENTS]
    assert components.select(["time", "symbol"]).to_pylist() == signals.select(["time", "symbol"]).to_pylist()
    for name in COMPONENTS:
        found = components[name].to_numpy(zero_copy_only=False)
        np.testing.assert_array_equal(found, block.components[name][block.present].astype(np.float32))
    with Results(tmp_path, READINGS, OUTCOMES, components=False) as results:
        results.write(block)
        results.finish({})
    assert not (tmp_path / "components.parquet").exists(), "its rows would be readings of another run"


def test_pandas_reads_the_signals_in_utc_with_names(tmp_path: Path) -> None:
    block = scored(60)
    write(tmp_path, [block], {})
    frame = pandas.read_parquet(tmp_path / "signals.parquet")
    assert str(frame["time"].dt.tz) == "UTC"
    assert set(frame["band"].dropna().astype(str)) == {"stretched up", "stretched down", "balanced"}
    assert frame["band"].isna().any()
    assert int(frame["score"].isna().sum()) == sum(row["score"] is None for row in rows_of(block)) > 0


def test_a_run_without_readings_leaves_a_table_without_rows(tmp_path: Path) -> None:
    write(tmp_path, [], summed([]))
    assert pq.read_table(tmp_path / "signals.parquet").num_rows == 0
    document = json.loads((tmp_path / "summary.json").read_text())
    assert document["readings"] == 0
    assert document["period"] == {"first_close": None, "last_close": None}
    assert (
        document["score"]["mean"]
        is document["bands"]["time_share"]["stretched up"]
        is document["coverage"]["mean"]
        is None
    )


def test_two_runs_leave_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        blocks = list(pieces(scored(), [50, 60]))
        write(tmp_path / name, blocks, summed(blocks))
    for file in ("signals.parquet", "components.parquet", "summary.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_an_earlier_run_stays_until_the_next_is_finished(tmp_path: Path) -> None:
    write(tmp_path, [scored(20)], {"run": 1})
    (tmp_path / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"signals.parquet", "components.parquet", "outcomes.parquet", "summary.json", "notes.txt"}

    class Interrupted(Exception):
        pass

    def interrupted() -> None:
        with Results(tmp_path, READINGS, OUTCOMES) as results:
            results.write(scored(30))
            assert {name: (tmp_path / name).read_bytes() for name in before} == before
            raise Interrupted

    with pytest.raises(Interrupted):
        interrupted()
    with pytest.raises(ValueError, match="Out of range"), Results(tmp_path, READINGS, OUTCOMES) as results:
        results.finish({"speed": float("nan")})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before, "nothing is left of it either"
    write(tmp_path, [scored(30)], {"run": 2})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"run": 2}
    assert pq.read_table(tmp_path / "signals.parquet").num_rows == len(rows_of(scored(30)))
    assert len(list(tmp_path.iterdir())) == 5


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(UsageError, match=r"file: cannot be written: File exists"):
        Results(tmp_path / "file", READINGS, OUTCOMES)
    (tmp_path / "out" / "summary.json").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"out: cannot be written: Is a directory"):
        write(tmp_path / "out", [scored(5)], {})


def test_the_summary_says_what_a_slow_count_says() -> None:
    block = scored()
    rows = rows_of(block)
    document = summed(pieces(block, [100, 101, 250]))
    scores = np.array([row["score"] for row in rows if row["score"] is not None])
    assert document["readings"] == len(rows)
    assert document["period"] == {"first_close": "2025-05-04T15:38:00.000Z", "last_close": "2025-05-04T22:17:00.000Z"}
    assert document["bars"] == {"read": 900, "missing": 7, "bad_rows_skipped": 3}
    assert (document["seconds"], document["symbol_bars_per_second"], document["config_digest"]) == (2.0, 450.0, "abc")
    score = document["score"]
    assert score["count"] == scores.size
    assert score["mean"] == pytest.approx(scores.mean(), rel=1e-12)
    assert score["standard_deviation"] == pytest.approx(scores.std(ddof=1), rel=1e-12)
    assert score["high"] == {"at_least": 70.0, "share": np.mean(scores >= 70)}
    assert score["low"] == {"at_most": 30.0, "share": np.mean(scores <= 30)}
    counts = [sum(low <= s < low + 5 or (low == 95 and s == 100) for s in scores) for low in range(0, 100, 5)]
    assert score["histogram"] == [{"from": 5 * i, "to": 5 * i + 5, "count": n} for i, n in enumerate(counts)]
    for name in ("agreement", "coverage"):
        known = [row[name] for row in rows if row[name] is not None]
        assert document[name]["mean"] == pytest.approx(np.mean(known), rel=1e-12)
    assert document["symbols"] == list(SYMBOLS)


def test_label_changes_are_counted_between_readings_of_a_symbol_over_blocks_and_gaps() -> None:
    block = scored()
    document = summed(pieces(block, [100, 101, 250]))
    entered = {}
    for j, symbol in enumerate(SYMBOLS):
        labels = [row["band"] or "unknown" for row in rows_of(block) if row["symbol"] == symbol]
        bridged = [NAMES[code] for code in block.bridged[block.present[:, j], j].tolist()]
        entered[symbol] = dict.fromkeys(NAMES.values(), 0)
        for before, after in pairwise(["unknown", *bridged]):
            entered[symbol][after] += before != after and bool({before, after} & {"stretched up", "stretched down"})
        found = document["by_symbol"][symbol]
        assert found["readings"] == len(labels)
        assert found["entered"] == entered[symbol]
        assert found["time_share"] == {name: labels.count(name) / len(labels) for name in NAMES.values()}
        changes = sum(entered[symbol].values())
        assert found["changes_per_symbol_and_day"] == pytest.approx(changes / (len(labels) / 1_440), rel=1e-12)
    total = sum(sum(counts.values()) for counts in entered.values())
    assert document["bands"]["entered"] == {n: sum(entered[s][n] for s in SYMBOLS) for n in NAMES.values()}
    assert document["bands"]["changes_per_symbol_and_day"] == pytest.approx(
        total * 1_440 / len(rows_of(block)), rel=1e-12
    )


def test_factor_moments_and_correlations_are_those_of_pandas() -> None:
    block = scored()
    document = summed(pieces(block, [13, 200]))
    frame = pandas.DataFrame(rows_of(block))[list(FACTORS)].astype(float)
    correlation = frame.corr()
    for name in FACTORS:
        found = document["factors"][name]
        assert found["count"] == frame[name].count()
        assert found["mean"] == pytest.approx(frame[name].mean(), rel=1e-12)
        assert found["standard_deviation"] == pytest.approx(frame[name].std(), rel=1e-12)
        for other in FACTORS:
            expected = correlation.loc[name, other]
            assert document["factor_correlation"][name][other] == pytest.approx(expected, rel=1e-10)


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, 120), max_size=12), up=st.sampled_from([55.0, 70.0]))
def test_where_the_blocks_are_cut_changes_nothing(cuts: list[int], up: float) -> None:
    block = scored(120)
    whole, cut = flat(summed([block], up=up)), flat(summed(pieces(block, cuts), up=up))
    texts = {path for path, value in whole.items() if not isinstance(value, int | float)}
    assert {path: cut.pop(path) for path in texts} == {path: whole.pop(path) for path in texts}
    assert cut == pytest.approx(whole, rel=1e-12, abs=1e-12)


def flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, inner in items for k, v in flat(inner, f"{path}/{key}").items()}
    return {path: value}


def test_a_factor_that_never_has_data_or_never_moves_is_null_where_nothing_is_known() -> None:
    block = scored(50)
    still = {**block.factors, "volume": np.full((50, 3), np.nan), "technical": np.full((50, 3), 50.0)}
    document = summed([ScoredBlock(**{f: getattr(block, f) for f in ScoredBlock.__slots__} | {"factors": still})])
    assert document["factors"]["volume"] == {"count": 0, "mean": None, "standard_deviation": None}
    assert document["factors"]["technical"]["standard_deviation"] == 0.0
    assert set(document["factor_correlation"]["volume"].values()) == {None}
    assert document["factor_correlation"]["technical"]["price_structure"] is None
    json.dumps(document, allow_nan=False)


def test_moments_lose_nothing_to_a_large_mean() -> None:
    """Sums of squares would: with a mean of 1e9 they have no digit left for a spread of 1."""
    rng = np.random.default_rng(4)
    shared = rng.normal(0, 1, 9_000)
    samples = 1e9 + np.stack([shared, shared + rng.normal(0, 1, 9_000)], axis=1)
    moments = Moments(2)
    for part in np.array_split(samples, 7):
        moments.add(part)
    assert moments.deviation() == pytest.approx(samples.std(axis=0, ddof=1), rel=1e-9)
    assert moments.correlation()[0, 1] == pytest.approx(np.corrcoef(samples.T)[0, 1], rel=1e-9)
    naive = (samples**2).mean(axis=0) - samples.mean(axis=0) ** 2
    assert np.abs(naive - samples.var(axis=0)).max() > 1, "the reason for merging centred moments"
