"""Maps: of components odd about their centre, monotone, continuous, inverted by `needed`; of modifiers shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.analysis.engine import FACTORS

COMPONENTS = {component.name: component for factor in FACTORS.values() for component in factor.components}
MODIFIERS = {modifier.name: modifier for factor in FACTORS.values() for modifier in factor.modifiers}


def _raw(name: str, z: np.ndarray) -> np.ndarray:
    component = COMPONENTS[name]
    return component.center + (component.dead + 6 * abs(component.scale)) * z


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_odd_about_its_centre_monotone_and_without_a_jump(name: str) -> None:
    component = COMPONENTS[name]
    z = np.linspace(-1, 1, 4_001)
    value = component.value(_raw(name, z))
    np.testing.assert_allclose(value, -value[::-1], rtol=0, atol=1e-9)
    steps = np.diff(value) * np.sign(component.scale)
    assert steps.min() >= -1e-15
    assert steps.max() < 0.005  # 1/scale is the steepest slope, and a step here is 1/333 of a scale
    assert np.abs(value).max() <= 1
    assert steps.sum() > 1.9


@pytest.mark.parametrize("name", COMPONENTS)
@given(value=st.floats(-0.99, 0.99).filter(lambda value: abs(value) > 1e-3))
def test_what_is_needed_for_a_value_gives_it(name: str, value: float) -> None:
    component = COMPONENTS[name]
    np.testing.assert_allclose(component.value(component.needed(np.array([value]))), value, rtol=1e-9)


@pytest.mark.parametrize("name", MODIFIERS)
def test_a_modifier_is_a_share_monotone_and_without_a_jump(name: str) -> None:
    raw = np.linspace(0, 1, 4_001) * {"share": 1, "own RMS": 1, "bp": 100, "0–100": 100}.get(MODIFIERS[name].unit, 5)
    value = MODIFIERS[name].map(raw)
    assert value.min() >= 0
    assert value.max() <= 1
    steps = np.diff(value)
    assert (steps >= -1e-15).all() or (steps <= 1e-15).all()
    assert np.abs(steps).max() < 0.01
    assert value.max() - value.min() > 0.3
