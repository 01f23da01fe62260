"""Strict settings: YAML layers, `${VAR}`, `VIRTUOSO__SECTION__KEY`, secrets that never print."""

from virtuoso.config.loading import load, load_with_origins
from virtuoso.config.settings import Settings

__all__ = ["Settings", "load", "load_with_origins"]

PUBLIC = (
    "alerts", "channels", "document", "keys", "layers", "loading", "settings", "starter",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
