"""Reads the user's rules from the files that the configuration names."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from virtuoso.alerts.rules.mistakes import RulesError
from virtuoso.alerts.rules.parse import crowded, parse, within_bounds
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.config import Settings
from virtuoso.config.channels import BUILT_IN
from virtuoso.config.document import text_of
from virtuoso.model.alerts.added_rule import AddedRule, LeftOut
from virtuoso.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """Where the user's rules stand, and what the configuration says of all of them.

    Attributes:
        paths: the files, in order.
        channels: names that a rule may send to; `None` = any.
        cooldown_ms: of a rule that states none; `None` = the built-in one.
        small_letters: whether the exchange's names may have small letters.
        key: where the configuration names them; `None` = it does not.
    """

    paths: tuple[Path, ...]
    channels: tuple[str, ...] | None = None
    cooldown_ms: int | None = None
    small_letters: bool = False
    key: str | None = None

    def mistakes(self, rule: AddedRule) -> tuple[str, ...]:
        """What is wrong with a rule that is to be added, a line each; empty where nothing is."""
        try:
            self._parsed([(rule.place, rule.text)])
        except RulesError as error:
            return tuple(f"{each.path.rpartition('.')[2]}: {each.text}" for each in error.mistakes)
        return ()

    def no_room(self, rule: AddedRule, conditions: Iterable[str]) -> str | None:
        """Say why a rule cannot be judged beside those of these conditions; `None` where it can."""
        return crowded((*conditions, rule.when))

    def with_added(self, written: RuleSet, added: Iterable[AddedRule]) -> RuleSet:
        """The rules of files and those that were added; what of the latter is left out stands in it with the reason.

        A rule of a file comes before an added one of its name. What is in files stays, whatever was added.
        """
        rules, left_out = list(written.rules), list[LeftOut]()
        for each in added:
            try:
                (rule,) = self._parsed([(each.place, each.text)]).rules
                within_bounds((*rules, rule))
            except ConfigError as error:
                left_out.append(LeftOut(each, str(error)))
            else:
                rules.append(replace(rule, place=each.place, added=True))
        return RuleSet(tuple(rules), written.notes, tuple(left_out))

    def read(self) -> RuleSet:
        """Read the rules of all files, as they are now.

        Raises:
            RulesError: one line for each mistake.
            ConfigError: files cannot be read; a line each.
        """
        files, unread = [], []
        for path in self.paths:
            try:
                files.append((str(path), text_of(path)))
            except ConfigError as error:
                unread.append(str(error) if self.key is None else f"{self.key} = {error}")
        if unread:
            raise ConfigError("\n".join(unread))
        return self._parsed(files)

    def _parsed(self, files: list[tuple[str, str]]) -> RuleSet:
        if self.channels is None or self.cooldown_ms is None:
            return parse(files)
        return parse(files, channels=self.channels, cooldown_ms=self.cooldown_ms, small_letters=self.small_letters)


def rule_files(settings: Settings, paths: Iterable[Path] | None = None) -> RuleFiles:
    """Take the configured files of rules, or others, held to the configured channels and the exchange's names."""
    alerts = settings.monitoring.alerts
    return RuleFiles(
        tuple(alerts.rules if paths is None else paths),
        channels=(*BUILT_IN, *alerts.channels),
        cooldown_ms=round(alerts.cooldown * 1_000),
        small_letters=settings.exchange.ccxt_id is not None,
        key="monitoring.alerts.rules" if paths is None else None,
    )
