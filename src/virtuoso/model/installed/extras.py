"""What is installed only if it is asked for, and the one line that says so where it is not."""

import importlib.util
from pathlib import Path
from typing import Final

from virtuoso.model.errors import UsageError

EXTRAS: Final = {
    "ccxt": "ccxt",
    "parquet": "pyarrow",
    "postgresql": "psycopg",
    "research": "arch",
    "traces": "opentelemetry.sdk",
}
"""Extras of the distribution, and the package that shows each is there."""
_CHECKOUT: Final = Path(__file__).parents[4]


def need(extra: str, what: str) -> None:
    """Refuse `what` (a command, a setting, a file) if its extra is not installed.

    Raises:
        UsageError: it is not; the message says which extra it is and how to install it here.
    """
    package = EXTRAS[extra]
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:  # not even the package that it is in
        found = None
    if found is None:
        raise UsageError(f"{what}: needs {package}, which is not installed; {_cure(extra, _CHECKOUT)}")


def _cure(extra: str, root: Path) -> str:
    """How to install an extra: `root` is the checkout's folder if this runs from one."""
    if (root / "Makefile").is_file() and (root / f"requirements-{extra}.lock").is_file():
        return f"run: make install EXTRAS={extra}"
    return f'install the wheel with its extra "{extra}": pip install "virtuoso_monitor-….whl[{extra}]"'
