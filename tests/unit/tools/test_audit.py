"""The audit of dependencies names holes, and says for how many packages that stands."""

import json

from tools.audit import code_of, npm_findings, python_findings


def test_holes_are_named_with_what_mends_them() -> None:
    answer = {
        "dependencies": [
            {"name": "one", "version": "1.0", "vulns": []},
            {"name": "two", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]},
            {"name": "three", "skip_reason": "not found: three"},
        ],
        "fixes": [],
    }
    assert python_findings(json.dumps(answer), "a.lock").lines() == [
        "a.lock: two 2.0: PYSEC-1, mended in 2.1",
        "a.lock: 1 known holes in 2 of 3 packages; not answered: not found: three (and 0 more)",
    ]


def test_a_registry_without_advisories_is_no_pass() -> None:
    refused = npm_findings(json.dumps({"message": "405 Method Not Allowed"}), 12)
    assert refused.lines() == ["dashboard: 0 known holes in 0 of 12 packages; not answered: 405 Method Not Allowed"]
    assert npm_findings("{}", 12).silent == "no answer"
    found = npm_findings(json.dumps({"vulnerabilities": {"x": {"severity": "high", "range": "<2"}}}), 12)
    assert found.lines() == ["dashboard: x: high (<2)", "dashboard: 1 known holes in 12 of 12 packages"]


def test_what_was_not_answered_is_no_pass_by_the_exit_code_either() -> None:
    whole = npm_findings(json.dumps({"vulnerabilities": {}}), 12)
    silent = python_findings("{}", "a.lock")
    hole = npm_findings(json.dumps({"vulnerabilities": {"x": {"severity": "high", "range": "<2"}}}), 12)
    assert silent.lines() == ["a.lock: 0 known holes in 0 of 0 packages; not answered: no answer"]
    assert (code_of([whole]), code_of([whole, silent]), code_of([silent, hole])) == (0, 2, 1)
