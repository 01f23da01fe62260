"""Draws stacks that were seen as a flame graph (Gregg 2016): an SVG that needs nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape
from zlib import crc32

from virtuoso.operations.sampling import Stack

_WIDTH: Final = 1_200
_ROW: Final = 17
_HEAD: Final = 26
_LETTER: Final = 6.6
_LEAST: Final = 0.5
"""Narrower boxes are not drawn: nobody sees them."""


@dataclass(slots=True)
class _Box:
    """A function as called from those above it, and how often it was seen there."""

    count: int = 0
    calls: dict[str, "_Box"] = field(default_factory=dict)


def flame_graph(stacks: Mapping[Stack, int], title: str) -> str:
    """Each box is as wide as it was seen often, below what called it; its name and share show when it is pointed at."""
    root = _Box()
    for stack, count in stacks.items():
        box = root
        box.count += count
        for name in stack:
            box = box.calls.setdefault(name, _Box())
            box.count += count
    boxes = list(_drawn(root, 0.0, 0, _WIDTH / max(1, root.count), max(1, root.count)))
    height = _HEAD + _ROW * (1 + max((row for row, _ in boxes), default=0))
    head = f'<text x="4" y="17" font-weight="bold">{escape(title)}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="monospace" '
        f'font-size="11"><rect width="100%" height="100%" fill="#fff"/>{head}'
        f"{''.join(text for _, text in boxes)}</svg>\n"
    )


def _drawn(box: _Box, left: float, row: int, scale: float, whole: int) -> Iterator[tuple[int, str]]:
    """The boxes that are called from `box`, each with its row; siblings by name, so that two graphs look alike."""
    for name, call in sorted(box.calls.items()):
        width = call.count * scale
        if width >= _LEAST:
            yield row, _rectangle(name, left, row, width, call.count / whole)
            yield from _drawn(call, left, row + 1, scale, whole)
        left += width


def _rectangle(name: str, left: float, row: int, width: float, share: float) -> str:
    short = name.removeprefix("virtuoso.")
    letters = int((width - 4) / _LETTER)
    said = "" if letters < 3 else short if len(short) <= letters else f"{short[: letters - 1]}…"
    hue = crc32(name.partition(":")[0].encode()) % 40 + (15 if name.startswith("virtuoso.") else 195)
    top = _HEAD + row * _ROW
    return (
        f"<g><title>{escape(name)}: {share:.1%}</title>"
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW - 1}" fill="hsl({hue},70%,72%)"/>'
        f'<text x="{left + 2:.1f}" y="{top + 12}">{escape(said)}</text></g>'
    )
