"""The dashboard says of each component what it measures, in plain words."""

import re
from pathlib import Path

from virtuoso.analysis.engine import FACTORS

TEXTS = Path(__file__).parents[2] / "dashboard" / "src" / "terms" / "components.ts"


def test_every_component_has_a_text_and_every_text_a_component() -> None:
    told = re.findall(r"^  (\w+):", TEXTS.read_text(), re.MULTILINE)
    computed = {component.name for factor in FACTORS.values() for component in factor.components}
    assert sorted(told) == sorted(computed)
