"""Reads the settings of a program that goes on running, and lets it speak as they say from its first line on."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from virtuoso.config import Settings
from virtuoso.config.loading import read
from virtuoso.model.errors import ConfigError
from virtuoso.wiring.logs import speak


def settings_of(
    paths: Sequence[Path], environment: Mapping[str, str], level: str | None = None,
    opening: Callable[[], None] = lambda: None, *, to_file: bool = True,
) -> Settings:  # fmt: skip
    """Read the settings and set up the logs by them, as `speak` does.

    `opening` says what comes before all else, mistakes too.

    Raises:
        ConfigError: one line for each mistake; they are told as `logging` says, as far as that is without a mistake.
        UsageError: the file of the logs cannot be written.
    """
    reading = read(paths, environment)
    if (settings := reading.settings) is not None:
        speak(settings, level, to_file=to_file)
    opening()
    if settings is None or reading.mistakes:
        raise ConfigError("\n".join(reading.mistakes))
    return settings
