"""Notices as plain text, with everything in them made inert: for channels that show text as it comes."""

import re
import unicodedata
from datetime import UTC, datetime

from virtuoso.model.alerts.notice import Notice, Role

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that control a terminal, reverse the writing, or are nothing."""
_ALIKE = str.maketrans({"<": "‹", ">": "›", "`": "ˋ", "*": "∗", "~": "∼", "|": "∣", "#": "＃", "@": "@\u200b"})
_LINK = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d+)?(/[A-Za-z0-9._~%/?&=#:+,;-]*)?")
_LONGEST_LINK = 300
_LISTED = {Role.GROUP, Role.DIGEST, Role.RESOLVED}


def cut(text: str, most: int) -> str:
    """At most so many characters; a `…` says that there were more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def visible(text: str) -> str:
    r"""Control characters and the like as escapes: `\x1b`, `\u202e`. Line ends stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character == "\n" or unicodedata.category(character) not in _UNSEEN else _escaped(character)
        for character in text
    )


def one_line(text: str, most: int) -> str:
    """Make `text` inert (`visible`) on one line, cut to `most` characters; white space becomes single spaces."""
    return visible(cut(" ".join(text.split()), most))


def without_markup(text: str) -> str:
    """Markdown, HTML and mentions spoilt by characters that look alike; links that hide their address are undone."""
    spoilt = visible(text).translate(_ALIKE).replace("](", "]\u200b(")
    return re.sub(r"(?<!\w)_|_(?!\w)", "＿", spoilt)


def moment(ms: int) -> str:
    """`2026-11-28T12:00:00Z`; with milliseconds unless they are 0."""
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds" if ms % 1000 else "seconds")
    return text.removesuffix("+00:00") + "Z"


def title_of(notice: Notice, *, repeat: bool) -> str:
    """The title, marked where it may have been sent before."""
    return f"{notice.title} (possible repeat)" if repeat else notice.title


def body_of(notice: Notice) -> str:
    """The text, and of what is about several the names of each."""
    parts = [notice.text] if notice.text != notice.title else []
    if notice.role in _LISTED and len(notice.lines) > 1:
        parts += [f"- {line.message}" for line in notice.lines]
        if notice.more > 0:
            parts.append(f"and {notice.more} more")
    return "\n".join(parts)


def link_of(notice: Notice) -> str | None:
    """Where the notice stands in full: `http(s)://host…` of plain ASCII, as ours are; of anything else nothing."""
    return _plain(notice.link)


def signal_link_of(notice: Notice) -> str | None:
    """Where the signal stands that it is of; nothing where it is of none."""
    return _plain(notice.signal_link)


def _plain(address: str | None) -> str | None:
    link = address or ""
    return link if len(link) <= _LONGEST_LINK and _LINK.fullmatch(link) else None


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
