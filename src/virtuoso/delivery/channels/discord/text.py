"""Texts from anywhere, made inert for Discord and cut to a size. Sizes are in UTF-16 code units.

Discord does not say whether it counts characters or code units; code units are never fewer.
`discord.utils.escape_markdown` is not enough: it leaves what is inside a masked link as it is, and marks that follow a
blank line. So every character with a meaning is escaped, one by one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

Quote = Callable[[str], Iterator[str]]
"""Takes a clean text apart into what is to be written for each character."""

_ANYWHERE = frozenset("\\*_~|`[]<")
_AT_LINE_START = frozenset(">#-+")
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_APART = "\u200b"
_MARKS = 2
"""Combining marks in a row that stay: enough for languages, too few to paint over other lines."""


def units(text: str) -> int:
    """Measure a text as Discord does, in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def clean(text: str, limit: int, *, lines: bool = False) -> str:
    """The visible part: no control, format, surrogate, private or blank characters; spaces and blank lines one each.

    Only the first `limit` characters are looked at. Line breaks become spaces unless `lines`.
    """
    kept: list[str] = []
    marks = 0
    for character in text[:limit]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if character.isspace() or category[0] == "Z":
            kept.append("\n" if character in "\n\u2028\u2029" else " ")
        elif category[0] != "C" and character not in _BLANK_LETTERS and marks <= _MARKS:
            kept.append(character)
    if not lines:
        return " ".join("".join(kept).split())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in "".join(kept).split("\n"))).strip()


def plain(text: str) -> Iterator[str]:
    """For places that show no markdown: mentions taken apart."""
    for character in text:
        yield character + _APART if character == "@" else character


def marked(text: str) -> Iterator[str]:
    """For places that show markdown: it is shown as it is written, links and mentions are words."""
    at_start = True
    for index, character in enumerate(text):
        if character in _ANYWHERE or (at_start and character in _AT_LINE_START):
            yield "\\" + character
        elif character == "@" or (character == ":" and text.startswith("//", index + 1)):
            yield character + _APART
        else:
            yield character
        at_start = character == "\n" or (at_start and character == " ")


def coded(text: str) -> Iterator[str]:
    """For the inside of a code block."""
    for piece in plain(text):
        yield "'" if piece == "`" else piece


def fit(text: str, limit: int, quote: Quote = marked, *, lines: bool = False) -> tuple[str, bool]:
    """The text clean and quoted within `limit` units, and whether it was cut: at a word if one ends near, with `…`."""
    clipped = clean(text, limit * 4 + 100, lines=lines)
    pieces: list[str] = []
    used = 0
    for piece in quote(clipped):
        pieces.append(piece)
        used += units(piece)
        if used > limit:
            break
    else:
        hidden = len(text) > limit * 4 + 100
        return "".join(pieces), hidden
    while pieces and used > limit - 1:
        used -= units(pieces.pop())
    near = next((back for back in range(1, min(len(pieces), 40)) if pieces[-back].isspace()), 1)
    if near > 1:
        del pieces[-near:]
    return "".join(pieces).rstrip() + ("…" if limit else ""), True
