"""What was found by detectors that look no more is over unless others find it again."""

from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.model.alerts.incident import Severity

S = 1_000_000_000


def test_what_lasts_is_over_unless_it_is_found_again() -> None:
    log = IncidentLog(10)
    findings = Findings(log)
    for symbol in ("A", "B"):
        findings.found("spread_blowout", Severity.WARNING, "wide", 0, symbol=symbol, details={})
    findings.sweep(10_000 * S)
    assert len(log.open()) == 2
    findings.doubt(10_000 * S, 300_000)
    findings.found("spread_blowout", Severity.WARNING, "wide", 10_100 * S, symbol="B", details={})
    findings.sweep(10_299 * S)
    assert len(log.open()) == 2
    findings.sweep(10_301 * S)
    assert [incident.symbol for incident in log.open()] == ["B"]
