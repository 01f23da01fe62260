"""A file of rules: what it may hold, and how each mistake is told with its line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.alerts.rules import parse as parsing
from virtuoso.alerts.rules.mistakes import RulesError
from virtuoso.alerts.rules.parse import MAX_PARTS, MAX_RULES, parse
from virtuoso.alerts.rules.rule import Rule, RuleSet
from virtuoso.alerts.rules.template import MAX_MESSAGE
from virtuoso.alerts.rules.values import Known
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.text.yaml import MOST_BYTES

WHOLE = """\
# what I want to hear of
rules:
  - name: strong
    when: score > 70
  - name: costly
    when: >
      abs(funding_rate) > 0.1
      and turnover_24h > 1e8
    value: abs(funding_rate)
    change: 0.5
    for: 90
    cooldown: 1h30m
    rearm: 5m
    escalate_after: 12h
    expire: 1d
    severity: critical
    labels: {desk: majors, round: 2}
    message: "{symbol} pays {funding_rate:+.3f} %, {{so much}} at {price}"
    channels: [discord, console]
    enabled: false
"""


def one(text: str) -> Rule:
    (rule,) = parse([("one.yaml", f"rules:\n  - {text}")]).rules
    return rule


def mistakes(text: str, **known: Any) -> list[str]:
    with pytest.raises(RulesError) as refused:
        parse([("my.yaml", text)], **known)
    lines = str(refused.value).split("\n")
    assert lines == [str(mistake) for mistake in refused.value.mistakes]
    return lines


def test_every_key_arrives_and_every_default_is_filled_in() -> None:
    strong, costly = parse([("my.yaml", WHOLE)]).rules
    policy = costly.policy
    assert (strong.policy.hold_ms, strong.policy.cooldown_ms, strong.policy.rearm_ms) == (0, 43_200_000, 0)
    assert (strong.policy.enabled, strong.policy.change, strong.policy.escalate_after_ms) == (True, None, None)
    assert (strong.policy.channels, strong.severity, strong.expire_ms) == (None, Severity.WARNING, 600_000)
    assert (strong.labels, strong.message, strong.value, strong.per_symbol) == ({}, None, None, True)
    assert (policy.hold_ms, policy.cooldown_ms, policy.rearm_ms) == (90_000, 5_400_000, 300_000)
    assert (policy.escalate_after_ms, costly.expire_ms, policy.change) == (43_200_000, 86_400_000, 0.5)
    assert (policy.enabled, policy.severity, policy.channels) == (False, Severity.CRITICAL, ("discord", "console"))
    assert costly.labels == {"desk": "majors", "round": "2"}
    assert costly.value is not None
    assert costly.value.text == "abs(funding_rate)"
    assert costly.when.text == "abs(funding_rate) > 0.1 and turnover_24h > 100000000.0"
    assert costly.message is not None
    known: dict[str, Known] = {"symbol": "BTCUSDT", "funding_rate": 0.12, "price": 61234.5}
    assert costly.message.render(known) == "BTCUSDT pays +0.120 %, {so much} at 61,234.5"
    assert costly.message.render({}) == "unknown pays unknown %, {so much} at unknown"
    assert (strong.place, costly.place) == ("my.yaml:3", "my.yaml:5")


def test_a_rule_that_names_no_symbol_is_judged_once_and_says_what_it_is_about() -> None:
    assert one("{name: a, when: market_change_24h < -5}").labels == {"scope": "market"}
    assert one("{name: a, when: system_cpu_pct > 90}").labels == {"scope": "system"}
    assert one("{name: a, when: system_cpu_pct > 90, labels: {scope: market}}").labels == {"scope": "market"}
    assert not one("{name: a, when: market_change_24h < -5}").per_symbol
    assert one("{name: a, when: score > 70 and market_change_24h < -5}").per_symbol


def test_all_mistakes_are_told_at_once_each_with_its_line() -> None:
    text = """\
rules:
  - name: a
    when: scor > 70
    fro: 5m
  - name: A b
    when: signal == "BUYY"
    for: 5 minutes
    severity: high
    message: "{scores:.1f}"
    cooldown: 12h
    cooldown: 6h
    labels:
      kind: x
      desk: ""
    channels: discord
    enabled: yes
  - name: a
    when: 1 > 0
    change: -1
    escalate_after: 0
  - when: score > 1
    change: 0.5
  - strong
"""
    assert mistakes(text) == [
        "my.yaml:3: rules[0].when: unknown value 'scor'; did you mean 'score'?",
        "my.yaml:4: rules[0].fro: unknown key; did you mean 'for'?",
        "my.yaml:5: rules[1].name: 'A b': a name has 1 to 64 of a-z, 0-9, - and _",
        "my.yaml:6: rules[1].when: signal is never 'BUYY'; did you mean 'BUY'?",
        "my.yaml:7: rules[1].for: '5 minutes' is no duration: write seconds, or as in 5m, 1h30m, 12h",
        "my.yaml:8: rules[1].severity: 'high' is not known; one of info, warning, critical",
        "my.yaml:9: rules[1].message: {scores}: unknown value; did you mean 'score'?",
        "my.yaml:11: rules[1].cooldown: is given twice, first on line 10",
        (
            "my.yaml:13: rules[1].labels.kind: a label is a word of a-z, 0-9 and _, other than "
            "exchange, kind, part, severity, side, symbol"
        ),
        "my.yaml:14: rules[1].labels.desk: is empty",
        "my.yaml:15: rules[1].channels: must be a list",
        "my.yaml:16: rules[1].enabled: 'yes' must be true or false",
        "my.yaml:18: rules[2].when: names no value: it would hold always, or never",
        "my.yaml:19: rules[2].change: '-1' must be a number above 0",
        "my.yaml:20: rules[2].escalate_after: must be longer than 0",
        "my.yaml:21: rules[3]: needs `name`",
        "my.yaml:22: rules[3].change: needs `value`: an expression that the change is measured by",
        "my.yaml:23: rules[4]: must be a mapping of keys to values",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "my.yaml:1: is empty; it must have a list `rules`"),
        ("rules: {}", "my.yaml:1: rules: must be a list"),
        ("rules:", "my.yaml:1: rules: must be a list"),
        ("ruls: []", "my.yaml:1: ruls: unknown key; did you mean 'rules'?"),
        ("- name: a", "my.yaml:1: must be a mapping of keys to values"),
        ("{}", "my.yaml:1: is empty"),
        ("rules: [{}]", "my.yaml:1: rules[0]: is empty"),
        ("rules:\n  - name: a\n   when: b", "my.yaml:3: is not valid YAML: "),
        ("rules: [\x07]", "my.yaml:1: is not valid YAML: "),
        ("rules: " + "[" * 700, "my.yaml:1: is not valid YAML: nested deeper than 40 levels"),
        ("rules: &a [*a]", "my.yaml:1: is not valid YAML: an alias stands for what it is a part of"),
        ("#" * (MOST_BYTES + 1), f"my.yaml:1: {MOST_BYTES + 1} characters; at most {MOST_BYTES:,}"),
        ("rules: [{name: [a], when: score > 1}]", "my.yaml:1: rules[0].name: must be a single value"),
        ('rules: [{name: a, when: score > 1, "x\\ny": 1}]', "my.yaml:1: rules[0].x y: unknown key"),
    ],
)
def test_what_is_no_file_of_rules_is_refused_in_one_line(text: str, said: str) -> None:
    assert mistakes(text)[0].startswith(said)
    assert len(mistakes(text)) == 1


def test_names_are_unique_over_all_files_and_not_those_of_built_in_kinds() -> None:
    rule = "rules:\n  - {name: a, when: score > 70}"
    with pytest.raises(RulesError, match=r"^two:2: rules\[0\]: there is a rule 'a' already, at one:2$"):
        parse([("one", rule), ("two", rule)])
    (line,) = mistakes("rules:\n  - {name: whale_trade, when: score > 70}")
    assert line == "my.yaml:2: rules[0].name: 'whale_trade' is a built-in kind; choose another name"


def test_a_rule_that_says_nothing_of_its_cooldown_has_the_usual_one() -> None:
    text = "rules:\n  - {name: a, when: score > 70}\n  - {name: b, when: score > 70, cooldown: 1h}"
    found = parse([("my.yaml", text)], cooldown_ms=60_000)
    assert [rule.policy.cooldown_ms for rule in found.rules] == [60_000, 3_600_000]


def test_channels_must_be_there_where_it_is_known_which_there_are() -> None:
    text = "rules:\n  - {name: a, when: score > 70, channels: [discrod]}"
    assert parse([("my.yaml", text)]).rules[0].policy.channels == ("discrod",)
    (line,) = mistakes(text, channels=("discord", "console"))
    assert line == "my.yaml:2: rules[0].channels[0]: 'discrod' is not known; did you mean 'discord'?"


def test_a_message_or_measure_may_not_name_a_symbol_where_the_condition_names_none() -> None:
    rule = "rules:\n  - {name: a, when: market_change_24h < -5, "
    (line,) = mistakes(rule + 'message: "{price}"}')
    assert line.endswith("rules[0].message: {price}: is a value of a symbol, and `when` names none of a symbol")
    (line,) = mistakes(rule + "value: score}")
    assert line.endswith("rules[0].value: names a value of a symbol, and `when` names none")
    assert one('{name: a, when: score > 1, message: "{market_regime} {system_cpu_pct}"}').message


@pytest.mark.parametrize(
    "template",
    [
        "{symbol.__class__}", "{symbol[0]}", "{0}", "{}", "{price!r}", "{price:{score}}", "{price:999999999}",
        "{price:.9999f}", "{price:s}", "{symbol:.2f}", "{price", "price}", "{symbol:x}", "{price:d}", "x" * 501,
    ],
)  # fmt: skip
def test_a_message_reaches_nothing_but_plain_values_in_bounded_formats(template: str) -> None:
    (line,) = mistakes(f"rules:\n  - {{name: a, when: score > 70, message: '{template}'}}")
    assert line.startswith("my.yaml:2: rules[0].message: ")
    assert len(line) < 200


@given(
    spec=st.from_regex(r"[<>^]?[+ -]?0?\d{0,2}[,_]?(\.\d{1,2})?[eEfFgG%]?", fullmatch=True),
    value=st.none() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False),
    symbol=st.text(max_size=20) | st.text(min_size=1, max_size=3).map(lambda text: text * 5_000),
)
def test_whatever_is_put_into_a_message_it_stays_short(spec: str, value: float | None, symbol: str) -> None:
    rule = one(f'{{name: a, when: score > 70, message: "{{symbol}} {{score:{spec}}} {{price}}"}}')
    assert rule.message is not None
    text = rule.message.render({"symbol": symbol, "score": value, "price": value})
    assert len(text) <= MAX_MESSAGE


@pytest.mark.parametrize(
    ("text", "ms"),
    [("0", 0), ("1.5", 1_500), ("90s", 90_000), ("1h30m", 5_400_000), ("2d", 172_800_000), ("30d", 2_592_000_000)],
)
def test_durations(text: str, ms: int) -> None:
    assert one(f"{{name: a, when: score > 70, for: {text}}}").policy.hold_ms == ms


@pytest.mark.parametrize("text", ["5min", "-1", "1:30", "30m1h", "1e3", "31d", "99999999", "h", "[5m]", ".5"])
def test_what_is_no_duration(text: str) -> None:
    (line,) = mistakes(f"rules: [{{name: a, when: score > 70, for: {text}}}]")
    assert line.startswith("my.yaml:1: rules[0].for: ")


def many(count: int, when: str) -> str:
    return "rules:\n" + "".join(f"  - {{name: r{i}, when: {when}}}\n" for i in range(count))


def test_the_rules_are_bounded_in_number_and_in_what_they_cost_together() -> None:
    assert len(parse([("my.yaml", many(MAX_RULES, "score > 70"))]).rules) == MAX_RULES
    (line,) = mistakes(many(MAX_RULES + 3, "score > 70"))
    assert line == f"my.yaml:{MAX_RULES + 2}: rules[{MAX_RULES}]: more than {MAX_RULES} rules"
    large = " or ".join(["score > 70"] * 33)  # of 100 parts
    assert len(parse([("my.yaml", many(MAX_PARTS // 100, large))]).rules) == MAX_PARTS // 100
    (line,) = mistakes(many(MAX_PARTS // 100 + 2, large))
    assert "have more than 2,000 parts together" in line


def test_mistakes_without_end_are_told_up_to_a_bound() -> None:
    assert len(mistakes(many(500, "scor > 70"))) == parsing.MAX_MISTAKES


def test_no_rules_are_a_rule_set_too() -> None:
    assert parse([("my.yaml", "rules: []")]) == RuleSet() == parse([])


def test_of_names_that_meant_something_else_a_file_is_noted_once_however_it_names_them() -> None:
    def notes(*whens: str, version: str = "") -> list[str]:
        rules = "".join(f"  - {{name: r{i}, when: {when}}}\n" for i, when in enumerate(whens))
        try:
            found = parse([("my.yaml", f"{version}rules:\n{rules}")]).notes
        except RulesError as error:
            found = error.notes
        return [note.partition("; write")[0] for note in found]

    (both,) = notes('signal == "BUY"', "confidence > 0.5")
    assert (both.count("`signal` was"), both.count("`confidence` was")) == (1, 1)
    for when in (
        "score > confidence",
        "confidence > 50",
        "score > 1, value: confidence",
        "score > 1, message: '{confidence}'",
    ):
        assert notes(when) == ["my.yaml: note: " + both.partition("; ")[2]]
    assert notes("score > 70", "agreement > 0.5") == []
    assert notes("confidence > 0.5", "scor > 1", version="version: 2\n") == []


def test_a_version_is_the_one_there_is_and_makes_no_file_of_rules_by_itself() -> None:
    with pytest.raises(RulesError, match=r"my\.yaml:1: version: '3' is not known; one of 2"):
        parse([("my.yaml", "version: 3\nrules: []")])
    with pytest.raises(RulesError, match="must have a list `rules`"):
        parse([("my.yaml", "version: 2")])
