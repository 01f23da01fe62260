"""Libraries that few tests use and what their own file alone compares with, loaded or made by the first that asks.

At the head of a file each would be loaded and made by every process of a run.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lazily:
    """A module, by its name: `linear_model = Lazily("sklearn.linear_model")`, then `linear_model.Ridge(…)`."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # whoever looks through a test module asks each of its names what it is
        return getattr(import_module(self._module), name)


class Made(dict[K, V], Generic[K, V]):
    """What `make` makes of a key, once: `WHOLE = Made(lambda name: raw_of(name, BARS))`, then `WHOLE[name]`."""

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        value = self[key] = self._make(key)
        return value
