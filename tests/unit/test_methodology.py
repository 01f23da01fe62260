"""The methodology says what the code does: every measure with its memory, scale and weight, and its picture."""

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from virtuoso.analysis.component import Component, Factor, Measure, Modifier
from virtuoso.analysis.engine import FACTORS

VULGAR = {Fraction(1, 2): "½", Fraction(1, 3): "⅓"}


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "methodology.md").read_text("utf-8")


def _section(page: str, factor: Factor) -> str:
    found = re.search(rf"^### {factor.name} .*?(?=^##)", page, re.DOTALL | re.MULTILINE)
    assert found, f"no section about {factor.name}"
    return found[0]


def _row(section: str, measure: Measure) -> str:
    name = rf"modifier `{measure.name}`" if isinstance(measure, Modifier) else f"`{measure.name}`"
    found = re.search(rf"^\| {name}.*$", section, re.MULTILINE)
    assert found, f"no row about {measure.name}"
    return found[0]


def _plain(number: float) -> str:
    """As the tables write it: 0.6 or .6, 2,093."""
    return f"{number:,g}"


@pytest.mark.parametrize("name", FACTORS)
def test_every_measure_stands_there_with_its_numbers(page: str, name: str) -> None:
    factor = FACTORS[name]
    section = _section(page, factor)
    assert f"weight {factor.weight:.2f}".replace("0.", ".") in section
    assert f"maps/{name}.svg" in section
    for measure in (*factor.components, *factor.modifiers):
        row = _row(section, measure)
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        memories = {f"{_plain(measure.ready)} / {_plain(measure.exact)}", _plain(measure.ready)}
        assert memories & set(cells), f"{measure.name}: memory {memories} not in {row}"
        if isinstance(measure, Component):
            scale = _plain(measure.scale).replace("-", "−")
            written = {scale, scale.replace("0.", ".", 1)}  # alone, or after the centre or the dead zone
            said = {part.strip() for cell in cells for part in cell.rsplit(",", 1)}
            assert written & (said | set(cells)), f"{measure.name}: scale {scale} not in {row}"
            weight = Fraction(measure.weight).limit_denominator(10)
            if weight != 1:
                assert VULGAR[weight] in cells, f"{measure.name}: weight {weight} not in {row}"


def test_the_pictures_are_what_the_code_says(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "tools/draw_maps.py", "--check"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
