"""A validation done by hand contradicted itself and passed: its numbers fail here, each contradiction by name."""

from pathlib import Path

import pytest
from tests.support.validation import told

from virtuoso.operations.validate.folder import read_samples
from virtuoso.operations.validate.judgement import judged
from virtuoso.operations.validate.report import Report, Verdict

SOURCE = "the report of 2025-09-30: "
CONTRADICTIONS = {
    "the window is as long as stated": ("40m are stated", "31m"),
    "cycles × interval fill the window": ("26 cycles × 37.72 s = 16m21s", "40m"),
    "the interval is the one that was meant": ("37.7 s instead of 20 s",),
    "the availability stated is that of the answers": (
        "100 % are stated",
        "5 of 6",
        "/api/monitoring/status answers 404",
    ),
    "as many processes are listed as are counted (monitor)": ("5 are counted, 4 are listed", "pid 1287692"),
    "fetches are physically possible": ("15 fetches in 0.01 s", "3 of 6 rounds"),
    "documents agree on how many symbols there are": ("15 are watched", "10"),
}
OF_THE_SAMPLES = {
    "every documented route answers": ("5 of 6", "/api/monitoring/status (404"),
    "every time says its zone": ("2025-09-30T18:27:40.447433",),
    "one monitor runs": ("4 monitors at once",),
    "no cache is open to all": ("memcached on 0.0.0.0:11211",),
}


@pytest.fixture(scope="module")
def report(root: Path) -> Report:
    return judged(read_samples(root / "tests" / "data" / "validation_report"))


def test_it_does_not_pass(report: Report) -> None:
    assert not report.passed
    assert report.decision.startswith("FAIL")


@pytest.mark.parametrize("test", CONTRADICTIONS)
def test_each_contradiction_of_what_is_stated_is_named(report: Report, test: str) -> None:
    said = told(report, Verdict.FAIL)[SOURCE + test]
    assert [part for part in CONTRADICTIONS[test] if part not in said] == []


@pytest.mark.parametrize("test", OF_THE_SAMPLES)
def test_what_the_samples_themselves_show_is_named(report: Report, test: str) -> None:
    said = told(report, Verdict.FAIL)[test]
    assert [part for part in OF_THE_SAMPLES[test] if part not in said] == []


def test_what_was_never_sampled_passes_nothing(report: Report) -> None:
    unknown = told(report, Verdict.UNKNOWN)
    assert {"what is called live is the exchange's price", "every route answers within a second"} <= unknown.keys()
    assert "it was asked once: nobody can see whether it moves" in unknown.values()


def test_the_constant_health_is_noticed(report: Report) -> None:
    assert "tells no age of a cycle" in told(report, Verdict.OBSERVED)["health is more than a constant"]
