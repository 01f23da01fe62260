"""What the dashboard writes of a screen is a rule: dashboard/src/pages/signals/screen.test.ts writes the same file."""

from pathlib import Path

from virtuoso.alerts.rules.parse import parse

FILE = Path(__file__).parents[2] / "data" / "screen-rule.yaml"


def test_a_screen_of_every_field_is_a_rule_without_a_mistake_or_a_note() -> None:
    found = parse([(FILE.name, FILE.read_text())])
    (rule,) = found.rules
    assert rule.name == "it-s-up-95-0nh2fhb"
    assert found.notes == ()
