"""Gathers the sources of the site: `docs/` as it is, the pages beside it, and the reference; and checks every link."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from tools.site.reference import PAGES

ROOT: Final = Path(__file__).parents[2]
_BESIDE: Final = {
    "README.md": "index.md", "CHANGELOG.md": "changes.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "reporting.md",
}  # fmt: skip
"""Pages of the root, by their names on the site."""
_LINK: Final = re.compile(
    r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<to>[^()\s]+)\)|!\[(?P<alt>[^\]]*)\]\((?P<image>[^()\s]+)\)"
)
_FENCE: Final = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#{1,6} (?P<title>.+)$", re.MULTILINE)


def gather(folder: Path) -> None:
    """Write all sources into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder)
    for name, page in _BESIDE.items():
        (folder / page).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    for source in sorted(folder.rglob("*.md")):
        place = PurePosixPath(source.relative_to(folder).as_posix())
        text = source.read_text("utf-8")
        source.write_text(_fitted(text, place, folder), "utf-8")
    for path, write in PAGES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(write(), "utf-8")


def _fitted(text: str, place: PurePosixPath, folder: Path) -> str:
    """The text with links as they lead on the site; what leads to a file of the repository is its name."""
    at_root = str(place) in _BESIDE.values()
    base = ROOT if at_root else ROOT / "docs" / place.parent

    def fitted(found: re.Match[str]) -> str:
        to = found["to"]
        if to is None or "://" in to or to.startswith(("#", "mailto:")):
            if found["image"] is not None and at_root:
                return f"![{found['alt']}]({found['image'].removeprefix('docs/')})"
            return found[0]
        path, _, anchor = to.partition("#")
        target = (base / unquote(path)).resolve()
        if target.is_dir() and (target / "README.md").is_file():
            target /= "README.md"
        relative = _on_site(target, folder)
        if relative is None:
            return f"`{target.relative_to(ROOT).as_posix()}`" if found["text"].startswith("`") else found["text"]
        up = "../" * (len(place.parts) - 1)
        return f"[{found['text']}]({up}{relative}{'#' + anchor if anchor else ''})"

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(fitted, part) for part in parts)


def _on_site(target: Path, folder: Path) -> str | None:
    """Where a file of the repository stands on the site, if it does."""
    if target.parent == ROOT and target.name in _BESIDE:
        return _BESIDE[target.name]
    docs = ROOT / "docs"
    if target.is_relative_to(docs):
        inside = target.relative_to(docs).as_posix()
        if target.is_dir():
            first = next(iter(sorted(target.glob("*.md"))), None)
            return None if first is None else first.relative_to(docs).as_posix()
        if (folder / inside).exists():
            return inside
    return None


def broken(folder: Path) -> Iterator[str]:
    """Every link that leads nowhere: `page: link`."""
    anchors = {page: set(_anchors(page.read_text("utf-8"))) for page in folder.rglob("*.md")}
    for page in sorted(anchors):
        prose = _FENCE.sub("", page.read_text("utf-8"))
        for found in _LINK.finditer(prose):
            to = found["to"] or found["image"]
            if "://" in to or to.startswith("mailto:"):
                continue
            path, _, anchor = to.partition("#")
            target = page if not path else (page.parent / unquote(path)).resolve()
            if not target.is_file() or (anchor and target in anchors and anchor not in anchors[target]):
                yield f"{page.relative_to(folder)}: {to}"


def _anchors(text: str) -> Iterator[str]:
    """The anchors of a page's headings, as the site makes them; of equal ones the second ends in `_1`."""
    seen: dict[str, int] = {}
    for found in _HEADING.finditer(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found["title"]).replace("`", "")
        slug = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        yield slug if not count else f"{slug}_{count}"
