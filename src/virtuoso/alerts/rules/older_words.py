"""Names in rules whose meaning changed since rules like them were written."""

from collections.abc import Collection, Mapping
from typing import Final

VERSION: Final = "2"
"""What a file says at its top of whose names all have the meaning of today."""
_CHANGED: Final[Mapping[str, str]] = {
    "signal": "`signal` was BUY or SELL by the score alone, which `band` says now, and is an earned claim, mostly HOLD",
    "confidence": "`confidence` was what `agreement` is now, and is the probability that the signal turns out right",
}


def older_words(file: str, names: Collection[str]) -> str | None:
    """A line for a file that names what older rules used in another sense, with both; `None` = it names none.

    Which of the two is meant cannot be seen from a rule.
    """
    changed = [meaning for name, meaning in _CHANGED.items() if name in names]
    if not changed:
        return None
    return f"{file}: note: {'; '.join(changed)}; write `version: {VERSION}` at the top if that is what you mean"
