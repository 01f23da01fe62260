"""Libraries that few tests use, loaded by the first that does.

At the head of a file each would be loaded by every process of a run, which takes half a second to a second of each.
"""

from importlib import import_module
from typing import Any


class Lazily:
    """A module, by its name: `linear_model = Lazily("sklearn.linear_model")`, then `linear_model.Ridge(…)`."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # whoever looks through a test module asks each of its names what it is
        return getattr(import_module(self._module), name)
