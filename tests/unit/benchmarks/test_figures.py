"""Ratios, targets and the table."""

import json

import pytest
from benchmarks import report
from benchmarks.figures import Section, Series, Target

OURS = Series("ours", "µs/message", [2.0, 4.0, 3.0])
PEER = Series("peer", "µs/message", [30.0, 20.0, 31.0])


def test_ratio_is_of_medians_and_of_best_samples():
    target = Target.ratio("peer over ours", "≥", 9.5, PEER, OURS)
    assert (target.median, target.best) == (10.0, 10.0)
    assert target.met
    assert not Target.ratio("peer over ours", "≥", 10.5, PEER, OURS).met
    assert Target.ratio("ours over peer", "≤", 0.1, OURS, PEER).met


def test_rounds_pair_what_was_measured_one_after_the_other():
    twice = Series("twice", "points/s", [10.0, 30.0, 40.0, 60.0])
    once = Series("once", "points/s", [2.0, 5.0])
    assert Target.ratio("twice over once", "≥", 1.0, twice, once).rounds == [10.0, 10.0]
    assert Target.ratio("once over twice", "≤", 1.0, once, twice).rounds == [0.1, 0.1]
    assert Target.value("alone", "≥", 1.0, twice).rounds == ()
    with pytest.raises(ValueError, match="4 samples are no whole number of turns in 3 rounds"):
        Target.ratio("twice over ours", "≥", 1.0, twice, OURS)


def test_the_best_of_a_rate_is_the_greatest():
    assert Series("nginx", "req/s", [10.0, 30.0, 20.0]).best == 30.0
    assert OURS.best == 2.0
    assert OURS.spread == pytest.approx(0.5)


def section():
    return Section(
        "parse", "Parse path", [OURS, PEER], [Target.ratio("peer over ours", "≥", 11.0, PEER, OURS)],
        ["a note"], {"ours": {"python": "3"}},
    )  # fmt: skip


def test_table_shows_what_is_missed():
    text = report.as_markdown([section()], {"cores": "2"}, {"load before": 0.25})
    assert "| peer over ours | ≥ 11 × | 10 | 10 | **no** |" in text
    assert "| ours | 2 | 3 | 4 | µs/message | 3 |" in text
    assert "cores 2" in text
    assert "load before 0.25" in text


def test_json_holds_every_sample():
    document = json.loads(report.as_json([section()], {}, {}))
    (part,) = document["sections"]
    assert part["series"][0]["samples"] == [2.0, 4.0, 3.0]
    assert part["series"][0]["min"] == 2.0
    assert part["targets"][0]["met"] is False


def test_document_keeps_what_people_wrote(tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_document("| new |", page)
    report.write_document("| newer |", page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| newer |" in text
    assert "old" not in text
    assert "| new |" not in text
    page.write_text("no markers")
    with pytest.raises(ValueError, match="markers"):
        report.write_document("x", page)
