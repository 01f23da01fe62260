"""Every parameter of every fast detector can be configured, and reaches its detector."""

import ast
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from virtuoso.config.alerts import AlertSettings
from virtuoso.config.detectors import FastSettings, SuddenMoveSettings
from virtuoso.model.catalogue.detectors import DETECTED, DETECTORS, FastParameters
from virtuoso.wiring.detectors import fast_parameters

PARAMETERS = [(detector, each.name) for detector, of in DETECTORS.items() for each in fields(of)]
Read = tuple[str, str]
"""The class, and what is read of it."""


def test_there_is_a_section_of_each_detector_with_a_key_of_each_parameter() -> None:
    sections = {name: field.annotation for name, field in FastSettings.model_fields.items()}
    sections["sudden_move"] = SuddenMoveSettings
    assert sections.keys() == DETECTORS.keys() == {each.name for each in fields(FastParameters)}
    for name, section in sections.items():
        assert list(section.model_fields) == [each.name for each in fields(DETECTORS[name])]


def test_by_default_they_are_those_of_the_catalogue() -> None:
    assert fast_parameters(AlertSettings()) == FastParameters()


@pytest.mark.parametrize(("detector", "parameter"), PARAMETERS)
def test_a_configured_parameter_is_the_detectors_and_no_other_changes(detector: str, parameter: str) -> None:
    wanted = asdict(FastParameters())
    value = wanted[detector][parameter] = wanted[detector][parameter] + 1
    section = {detector: {parameter: value}}
    alerts = AlertSettings.model_validate(section if detector == "sudden_move" else {"fast": section})
    found = fast_parameters(alerts)
    assert asdict(found) == wanted
    assert found != FastParameters(), "a reload would not see it"


@pytest.fixture(scope="module")
def trees(root: Path) -> dict[str, ast.Module]:
    source = root / "src" / "virtuoso"
    paths = [*(source / "alerts" / "fast").rglob("*.py"), source / "monitor" / "watching" / "detection.py"]
    return {path.stem: ast.parse(path.read_text("utf-8")) for path in paths}


def test_every_parameter_is_read_by_its_detector(trees: dict[str, ast.Module]) -> None:
    """An argument is named as it is kept: `parameters`, `self._parameters`."""
    found = set[Read]().union(*map(read, trees.values()))
    assert found >= {("FastParameters", detector) for detector in DETECTORS}
    assert found >= {(DETECTORS[detector].__name__, parameter) for detector, parameter in PARAMETERS}


def test_a_parameter_that_no_detector_reads_is_caught() -> None:
    planted = (
        "def f(self, parameters: BookWallParameters, ratio: float):\n    self._parameters.stay, ratio, self.sigmas"
    )
    assert read(ast.parse(planted)) == {("BookWallParameters", "stay")}


def read(tree: ast.Module) -> set[Read]:
    """What is read of arguments that are parameters, or of a detector's parameters among those of all."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    arguments = [each for function in functions for each in function.args.args if each.annotation is not None]
    of = {each.arg: ast.unparse(each.annotation) for each in arguments if each.annotation is not None}
    found: set[Read] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name, _, detector = ast.unparse(node.value).removeprefix("self._").partition(".")
            if of.get(name, "").endswith("Parameters"):
                found.add((DETECTORS[detector].__name__ if detector else of[name], node.attr))
    return found


def test_what_the_detectors_find_are_the_kinds_of_the_catalogue(trees: dict[str, ast.Module]) -> None:
    assigned = [node for tree in trees.values() for node in tree.body if isinstance(node, ast.Assign)]
    named = [node for node in assigned if ast.unparse(node.targets[0]) in {"KIND", "(SINGLE, CASCADE)"}]
    kinds = [each.value for node in named for each in ast.walk(node.value) if isinstance(each, ast.Constant)]
    assert sorted(map(str, kinds)) == sorted(kind.name for kind in DETECTED)
