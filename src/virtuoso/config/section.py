"""What every section of the configuration has in common: unknown keys are errors, nothing changes after the start."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

KeyPath = tuple[str, ...]
Names = Annotated[tuple[str, ...], Field(strict=False)]
FilePath = Annotated[Path, Field(strict=False)]


class Section(BaseModel):
    """Is the base of every section: strict, so that an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _part_of_a_default(cls, value: object) -> object:
        """Fill what is required of a section that has a default whole: `{weight: 0.3}` says enough of a timeframe."""
        if not isinstance(value, dict):
            return value
        parts = {
            key: _filled(cls.model_fields[key].default, given)
            for key, given in value.items()
            if key in cls.model_fields
        }
        return value | parts


def made(name: str, module: str, doc: str | None, keys: Mapping[str, Any], base: type[Section] = Section) -> Any:
    """Make the section of a catalogue, and let `module` have it by its name, so that settings can be pickled.

    `keys` are its fields as `pydantic.create_model` takes them: type and default each.
    """
    section = create_model(name, __base__=base, __doc__=doc, __module__=module, **keys)
    setattr(sys.modules[module], name, section)
    return section


def _filled(default: object, given: object) -> object:
    """What was given of a section, with what its default has of the keys that it requires."""
    if not isinstance(default, Section) or not isinstance(given, dict):
        return given
    required = (name for name, field in type(default).model_fields.items() if field.is_required())
    return {name: getattr(default, name) for name in required} | given
