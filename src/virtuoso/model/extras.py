"""What not everybody needs and so is installed only where it is wanted; each says which it is when it is missing."""

from importlib.util import find_spec
from typing import Final

PACKAGES: Final = {"ccxt": "ccxt", "parquet": "pyarrow"}
"""By extra: the package that it is about."""


def missing(extra: str) -> str | None:
    """Say what is missing and how it is installed; `None` where it is there."""
    package = PACKAGES[extra]
    if find_spec(package) is not None:
        return None
    return f"{package} is needed, and not installed; in the checkout: make install EXTRAS={extra}"
