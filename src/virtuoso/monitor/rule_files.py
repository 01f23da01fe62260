"""Files of rules read from the disk."""

from collections.abc import Collection, Iterable
from pathlib import Path

from virtuoso.alerts.rules.parse import parse
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.config.alerts import AlertSettings
from virtuoso.config.channels import BUILT_IN
from virtuoso.config.document import text_of


def read_rules(paths: Iterable[Path], alerts: AlertSettings | None = None) -> RuleSet:
    """The rules of all files; with the configuration, the channels that they name must be there.

    Raises:
        RulesError: one line for each mistake.
        ConfigError: a file cannot be read.
    """
    files = [(str(path), text_of(path)) for path in paths]
    if alerts is None:
        return parse(files)
    channels: Collection[str] = (*BUILT_IN, *alerts.channels)
    return parse(files, channels=channels, cooldown_ms=round(alerts.cooldown * 1_000))
