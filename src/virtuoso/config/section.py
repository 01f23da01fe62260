"""What every section of the configuration has in common: unknown keys are errors, nothing changes after the start."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Names = Annotated[tuple[str, ...], Field(strict=False)]
FilePath = Annotated[Path, Field(strict=False)]


class Section(BaseModel):
    """Is the base of every section: strict, so that an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
