"""What every section of the configuration has in common: unknown keys are errors, nothing changes after the start."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

Names = Annotated[tuple[str, ...], Field(strict=False)]
FilePath = Annotated[Path, Field(strict=False)]


class Section(BaseModel):
    """Is the base of every section: strict, so that an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def made(name: str, module: str, doc: str | None, keys: Mapping[str, Any], base: type[Section] = Section) -> Any:
    """Make the section of a catalogue, and let `module` have it by its name, so that settings can be pickled.

    `keys` are its fields as `pydantic.create_model` takes them: type and default each.
    """
    section = create_model(name, __base__=base, __doc__=doc, __module__=module, **keys)
    setattr(sys.modules[module], name, section)
    return section
