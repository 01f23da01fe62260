"""The keys of the fast detectors: a section each, with the defaults, bounds and descriptions of the catalogue."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from virtuoso.config.section import Section, made
from virtuoso.config.values.durations import Duration
from virtuoso.model.catalogue.detectors import DETECTORS, FastParameters


def _section(parameters: type, keys: Mapping[str, Any]) -> Any:
    """The section that is named and described as the parameters are."""
    return made(parameters.__name__.replace("Parameters", "Settings"), __name__, parameters.__doc__, keys)


def _detector(parameters: type) -> Any:
    """Make the section of one detector from its parameters."""
    return _section(parameters, {each.name: _key(each) for each in fields(parameters)})


def _key(parameter: Any) -> tuple[Any, Any]:
    """The type and the default of the key of one parameter."""
    said = dict(parameter.metadata)
    unit = said.pop("unit", None)
    kind = parameter.type if unit is None else Annotated[parameter.type, Duration(unit)]
    return kind, Field(parameter.default, **said)


_detectors = {name: _detector(parameters) for name, parameters in DETECTORS.items()}

if TYPE_CHECKING:  # which cannot see what is made of the catalogue
    SuddenMoveSettings: TypeAlias = Section
    FastSettings: TypeAlias = Section
else:
    SuddenMoveSettings = _detectors.pop("sudden_move")
    FastSettings = _section(FastParameters, {name: (section, section()) for name, section in _detectors.items()})
