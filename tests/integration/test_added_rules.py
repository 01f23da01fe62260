"""Rules that are added while a monitor runs: over the API into the database, and from there into what it judges by."""

from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from tests.support.alerts_web import NOW_MS, running_web

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.rules.parse import parse
from virtuoso.cli.terminal import rule_tables
from virtuoso.model.alerts.added_rule import AddedRule, LeftOut
from virtuoso.model.catalogue import alert_examples
from virtuoso.model.clock import ManualClock
from virtuoso.monitor.alerting.alerting import without_notifications
from virtuoso.monitor.alerting.documents import rules_document
from virtuoso.storage.cache.memory import Version
from virtuoso.wiring.rule_files import RuleFiles

RULE = {"name": "stretched", "when": 'score_percentile > 95 and band == "stretched up"', "author": "anna"}
ADDED = AddedRule("stretched", RULE["when"], "warning", "anna", NOW_MS)
FILES = RuleFiles((), channels=("console",), cooldown_ms=1)


async def test_a_rule_is_added_for_its_monitor_alone_and_removed(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        status, said = await web.ask("/api/alerts/rules", "POST", json=RULE)
        assert (status, said) == (201, {**RULE, "severity": "warning", "created_at": "2026-11-18T11:06:40.000Z"})
        assert (await web.database.alert_inputs("monitor", NOW_MS)).rules == (ADDED,)
        assert (await web.database.alert_inputs("another", NOW_MS)).rules == ()
        assert (await web.ask("/api/alerts/rules", "POST", json=RULE | {"when": "score < 9"}))[0] == 409
        assert (await web.database.alert_inputs("monitor", NOW_MS)).rules == (ADDED,), "nothing is replaced unasked"
        assert (await web.ask("/api/alerts/rules/stretched", "DELETE"))[0] == 204
        assert (await web.ask("/api/alerts/rules/stretched", "DELETE"))[0] == 404
        assert (await web.ask("/api/alerts/rules/stretched%0A", "DELETE"))[0] == 422
        assert (await web.ask("/api/alerts?kind=stretched%0A"))[0] == 422
        assert (await web.database.alert_inputs("monitor", NOW_MS)).rules == ()


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"when": "scor > 3"}, "when: unknown value 'scor'; did you mean 'score'?"),
        ({"when": "score >"}, "when: "),
        ({"when": "1 < 2"}, "when: names no value: it would hold always, or never"),
        ({"name": "whale_trade"}, "name: 'whale_trade' is a built-in kind; choose another name"),
        ({"name": "What is this"}, "matching regex"),
        ({"name": "stretched\n"}, "matching regex"),
        ({"author": "anna\n"}, "matching regex"),
        ({"severity": "loud"}, "Invalid enum value 'loud'"),
        ({"author": ""}, "length >= 1"),
    ],
)
async def test_a_bad_rule_says_why_and_nothing_is_kept(tmp_path: Path, change: dict[str, str], detail: str) -> None:
    async with running_web(tmp_path) as web:
        status, said = await web.ask("/api/alerts/rules", "POST", json=RULE | change)
        assert status == 422
        assert detail in said["detail"]
        assert (await web.database.alert_inputs("monitor", NOW_MS)).rules == ()


async def test_a_rule_of_a_file_keeps_its_name_and_the_number_is_bounded(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        web.cache.put("alerts:rules", msgspec.json.encode(alert_examples.RULES), Version(1, 1), 60.0, 60.0)
        status, said = await web.ask("/api/alerts/rules", "POST", json=RULE | {"name": "funding-and-score"})
        assert (status, said["detail"][:44]) == (409, "a file has a rule 'funding-and-score' alread")
        for i in range(50):
            assert (await web.ask("/api/alerts/rules", "POST", json=RULE | {"name": f"r{i}"}))[0] == 201
        status, said = await web.ask("/api/alerts/rules", "POST", json=RULE)
        assert (status, said["detail"]) == (409, "50 rules were added already; remove one first")


def test_what_was_added_is_judged_by_beside_files_which_come_first() -> None:
    written = parse([("rules.yaml", "version: 2\nrules: [{name: mine, when: score > 70}]")])
    same_name = AddedRule("mine", "score < 3", "info", "bob", NOW_MS)
    unknown = AddedRule("older", "what_it_was > 1", "info", "bob", NOW_MS)
    rules = FILES.with_added(written, [ADDED, same_name, unknown])
    assert [(rule.name, rule.place, rule.added) for rule in rules.rules] == [
        ("mine", "rules.yaml:2", False), ("stretched", "added by anna", True),
    ]  # fmt: skip
    assert rules.by_name["stretched"].when.text == "score_percentile > 95 and band == 'stretched up'"
    assert rules.left_out[0] == LeftOut(same_name, "there is a rule 'mine' already")
    assert rules.left_out[1].reason.startswith("added by bob:1: rules[0].when: unknown value 'what_it_was'")


def test_what_is_left_out_is_published_with_its_reason() -> None:
    written = parse([("rules.yaml", "version: 2\nrules: [{name: stretched, when: score > 70}]")])
    alerting = without_notifications(IncidentLog(10), ManualClock(NOW_MS * 1_000_000))
    alerting.reload(FILES.with_added(written, [ADDED]))
    (found,) = rules_document(alerting, NOW_MS).left_out
    assert (found.rule.name, found.rule.author, found.rule.when) == ("stretched", "anna", RULE["when"])
    assert found.reason == "there is a rule 'stretched' already"
    table = Console(width=160, record=True, file=StringIO())
    table.print(*rule_tables.rules(rules_document(alerting, NOW_MS)))
    assert "there is a rule 'stretched' already" in table.export_text()


@pytest.mark.parametrize(
    ("count", "when", "detail"),
    [(100, "score > 70", "more than 100 rules"), (50, " and ".join(["score > 70"] * 13), "more than 2,000 parts")],
)
async def test_a_rule_that_could_not_be_judged_is_not_taken(tmp_path: Path, count: int, when: str, detail: str) -> None:
    files = [f"{{name: r{i}, when: {when}}}" for i in range(count)]
    async with running_web(tmp_path) as web:
        alerting = without_notifications(IncidentLog(10), ManualClock(NOW_MS * 1_000_000))
        for rules, expected in ((files[:-1], 201), (files, 409)):
            alerting.reload(parse([("rules.yaml", f"version: 2\nrules: [{', '.join(rules)}]")]))
            body = msgspec.json.encode(rules_document(alerting, NOW_MS))
            web.cache.put("alerts:rules", body, Version(1, len(rules)), 60.0, 60.0)
            status, said = await web.ask("/api/alerts/rules", "POST", json=RULE)
            assert status == expected, said
            assert expected == 201 or detail in said["detail"]
            assert await web.database.remove_rule("monitor", "stretched") == (expected == 201)
