"""A run beside the baseline: what became worse beyond the noise is said, and nothing else is."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from benchmarks import report
from benchmarks.compare import WORSE, changes, main
from benchmarks.figures import Ratio, Section, Series, Target

MACHINE = {"processor": "a processor", "cores": "2"}
QUIET, BUSY = {"load before": 0.3}, {"load before": 18.8}


def noisy(around: float, rounds: int = 5, noise: float = 0.03, seed: int = 3) -> list[float]:
    rng = random.Random(seed)
    return [around * rng.lognormvariate(0.0, noise) for _ in range(rounds)]


def verdicts(before: dict[str, Ratio], now: dict[str, Ratio]) -> dict[str, str]:
    return {change.what: change.verdict for change in changes(before, now)}


def ratio(sense: str, around: float, **other: Any) -> Ratio:
    return Ratio(sense, tuple(noisy(around, **other)))


@pytest.mark.parametrize(("sense", "worse", "better"), [("≥", 0.7, 1.4), ("≤", 1.4, 0.7)])
def test_worse_is_less_where_more_is_wanted_and_more_where_less_is(sense: str, worse: float, better: float) -> None:
    before = {"speed": ratio(sense, 10.0)}
    assert verdicts(before, {"speed": ratio(sense, 10.0 * worse, seed=4)}) == {"speed": WORSE}
    assert verdicts(before, {"speed": ratio(sense, 10.0 * better, seed=4)}) == {"speed": "better"}
    assert verdicts(before, {"speed": ratio(sense, 10.0 * 1.02, seed=4)}) == {"speed": "as before"}


def test_noise_is_no_regression_and_more_rounds_find_a_smaller_one() -> None:
    before, now = (
        {"few": ratio("≥", about, noise=0.2), "many": ratio("≥", about, noise=0.05, rounds=60, seed=seed)}
        for about, seed in ((10.0, 1), (8.8, 2))
    )
    found = verdicts(before, now)
    assert found["many"] == WORSE
    assert found["few"] == "as before"
    quiet = 0
    for seed in range(300):
        same = verdicts({"a": ratio("≥", 5.0, seed=seed)}, {"a": ratio("≥", 5.0, seed=1_000 + seed)})
        quiet += same == {"a": "as before"}
    assert quiet >= 298, "of 300 runs that changed nothing"


def test_the_interval_is_that_of_the_textbook() -> None:
    (change,) = changes({"a": Ratio("≤", (1.0, 2.0, 4.0))}, {"a": Ratio("≤", (2.0, 4.0, 8.0))})
    assert change.factor == pytest.approx(2.0)
    # log 2 ± t(0.995, 4) · √(2 · log²2 / 3), by hand: 0.693 ± 4.604 · 0.566
    assert (change.low, change.high) == (pytest.approx(0.1477, rel=1e-3), pytest.approx(27.09, rel=1e-3))


def test_what_cannot_be_compared_says_why() -> None:
    two = Ratio("≥", (1.0, 1.1))
    found = verdicts({"gone": two, "few": two, "turned": two}, {"new": two, "few": two, "turned": Ratio("≤", (1.0,))})
    assert found == {
        "gone": "not compared: not in this run", "new": "not compared: not in the baseline",
        "few": "not compared: 2 rounds; it takes 3",
        "turned": "not compared: it should be ≥ in the baseline, and ≤ now",
    }  # fmt: skip


def result(path: Path, around: float, machine: dict[str, str] = MACHINE, noise: dict[str, float] = QUIET) -> Path:
    """What `benchmarks.run --json` writes of a peer that takes so many times as long as we do."""
    ours = Series("ours", "µs/message", [2.0] * 5)
    peer = Series("peer", "µs/message", [2.0 * value for value in noisy(around)])
    targets = [Target.ratio("peer over ours", "≥", 1.0, peer, ours), Target.value("ours alone", "≤", 5.0, ours)]
    path.write_text(report.as_json([Section("a", "A", [ours, peer], targets)], machine, noise))
    return path


def test_the_command_compares_a_run_with_what_was_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "baseline.json"
    options = ["--baseline", str(kept)]
    good, bad = str(result(tmp_path / "good.json", 10.0)), str(result(tmp_path / "bad.json", 5.0))
    assert main([good, *options]) == 2
    assert "keep the run of a quiet machine by --keep" in capsys.readouterr().err
    assert main([good, *options, "--keep"]) == 0
    capsys.readouterr()
    assert main([good, *options]) == 0
    assert "| peer over ours | +0.0% | " in (text := capsys.readouterr().out)
    assert "ours alone" not in text, "it has no peer"
    assert main([bad, *options]) == 1
    assert "| peer over ours | +100.0% | " in (text := capsys.readouterr().out)
    assert WORSE in text


def test_the_command_says_what_it_cannot_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "baseline.json"
    options = ["--baseline", str(kept)]
    busy = str(result(tmp_path / "busy.json", 10.0, noise=BUSY))
    assert main([busy, *options, "--keep"]) == 2
    assert capsys.readouterr().err == (
        "the run began at a load of 18.8 on 2 cores: keep one that began at 1.0 or less\n"
    )
    assert not kept.exists()
    assert main([str(result(tmp_path / "good.json", 10.0)), *options, "--keep"]) == 0
    other = str(result(tmp_path / "other.json", 5.0, machine={**MACHINE, "processor": "another"}))
    assert main([other, *options]) == 2
    assert "of another processor (a processor; this is another)" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("{}")
    assert main([str(tmp_path / "bad.json"), *options]) == 2
    assert "no result of this version" in capsys.readouterr().err


def test_parts_that_a_run_did_not_measure_stay_kept_on_the_same_processor(tmp_path: Path) -> None:
    kept = tmp_path / "baseline.json"
    kept.write_text(json.dumps({"machine": MACHINE, "ratios": {"other": {"sense": "≤", "rounds": [1.0, 1.1, 1.2]}}}))
    options = ["--baseline", str(kept), "--keep"]
    assert main([str(result(tmp_path / "a.json", 10.0)), *options]) == 0
    assert set(json.loads(kept.read_text())["ratios"]) == {"other", "peer over ours"}
    elsewhere = result(tmp_path / "b.json", 10.0, machine={**MACHINE, "processor": "another"})
    assert main([str(elsewhere), *options]) == 0
    assert set(json.loads(kept.read_text())["ratios"]) == {"peer over ours"}
