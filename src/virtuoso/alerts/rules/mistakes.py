"""Collects the mistakes in a file of rules: one line each, with the place and the nearest right word."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from virtuoso.model.errors import ConfigError

_LISTED = 12


class Mistaken(Exception):
    """An expression, a template or a field is wrong; the message says how."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: file, line, the key's path (`rules[2].when`; empty: the file as a whole), what is wrong."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path + ': ' if self.path else ''}{self.text}"


class RulesError(ConfigError):
    """The rules cannot be used; the message has a line for each of `mistakes`. `notes` are as of a `RuleSet`."""

    def __init__(self, mistakes: Sequence[Mistake], notes: Sequence[str] = ()) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes, self.notes = tuple(mistakes), tuple(notes)


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'score'?`: the known word that comes closest, else all if they are few, else nothing."""
    words = list(known)
    folded = {each.lower(): each for each in words}
    match = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if match:
        return f"; did you mean {folded[match[0]]!r}?"
    return f"; one of {', '.join(words)}" if len(words) <= _LISTED else ""
