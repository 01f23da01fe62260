"""The keys of the fast detectors: a section each, with the defaults, bounds and descriptions of the catalogue."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import Field, create_model

from virtuoso.config.section import Section
from virtuoso.model.catalogue.detectors import DETECTORS, FastParameters


def _section(parameters: type, keys: dict[str, Any]) -> type[Section]:
    """The section that is named and described as the parameters are."""
    name = parameters.__name__.replace("Parameters", "Settings")
    return create_model(name, __base__=Section, __doc__=parameters.__doc__, __module__=__name__, **keys)


def _detector(parameters: type) -> type[Section]:
    """The section of one detector."""
    keys = {each.name: (each.type, Field(each.default, **each.metadata)) for each in fields(parameters)}
    return _section(parameters, keys)


_detectors = {name: _detector(parameters) for name, parameters in DETECTORS.items()}
globals().update({section.__name__: section for section in _detectors.values()})  # settings are pickled for the web

if TYPE_CHECKING:  # which cannot see what is made of the catalogue
    SuddenMoveSettings: TypeAlias = Section
    FastSettings: TypeAlias = Section
else:
    SuddenMoveSettings = _detectors.pop("sudden_move")
    FastSettings = _section(FastParameters, {name: (section, section()) for name, section in _detectors.items()})
