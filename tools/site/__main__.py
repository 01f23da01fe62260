"""Build the documentation site: `make docs`; it is in `build/docs/site`. Exit code 1 where a link leads nowhere."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.site.pages import ROOT, broken, gather

OUT: Final = ROOT / "build/docs"
_ZENSICAL: Final = OUT / "venv/bin/zensical"
_WAIT_S: Final = 600
NAV: Final = {
    "Begin": ("index.md", "tasks.md", "dashboard.md", "glossary.md"),
    "Use": ("alerts.md", "channels.md", "recordings.md", "exchanges.md", "exchange.md"),
    "Believe": (
        "methodology.md",
        "track-record.md",
        "track-record-lived.md",
        "reliability.md",
        "benchmarks.md",
        "validation/",
    ),
    "Operate": ("operations.md", "stores.md", "security.md", "reporting.md"),
    "Reference": ("reference/",),
    "Develop": ("architecture.md", "extending.md", "contributing.md", "changes.md", "decisions/"),
}
"""The pages by what somebody wants; a name that ends in `/` is every page of a folder."""
_NAV_TITLES: Final = {"index.md": "Virtuoso", "reporting.md": "Report a weakness"}


def nav(sources: Path) -> list[dict[str, list[dict[str, str]]]]:
    """The navigation: every page once, each by its own title."""
    found = []
    for section, names in NAV.items():
        pages = [
            page
            for name in names
            for page in (sorted(sources.glob(f"{name}*.md")) if name.endswith("/") else [sources / name])
        ]
        found.append({section: [{_title(page, sources): page.relative_to(sources).as_posix()} for page in pages]})
    return found


def _title(page: Path, sources: Path) -> str:
    name = page.relative_to(sources).as_posix()
    heading = re.search(r"^# (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return _NAV_TITLES.get(name) or (heading[1].replace("`", "") if heading else page.stem)


def settings(sources: Path) -> str:
    """What the generator is told: no host is asked for a font or a script."""
    sections = ", ".join(
        f"{{ {json.dumps(title, ensure_ascii=False)} = ["
        + ", ".join(
            f"{{ {json.dumps(t, ensure_ascii=False)} = {json.dumps(p)} }}" for page in pages for t, p in page.items()
        )
        + "] }"
        for section in nav(sources)
        for title, pages in section.items()
    )
    return (
        '[project]\nsite_name = "Virtuoso"\ndocs_dir = "src"\nsite_dir = "site"\nuse_directory_urls = false\n'
        f"nav = [{sections}]\n\n[project.theme]\nfont = false\n"
        'features = ["navigation.sections", "navigation.footer", "search.highlight", "content.code.copy"]\n'
    )


def main() -> int:
    """Gather, check, build."""
    sources = OUT / "src"
    gather(sources)
    if lost := list(broken(sources)):
        print("\n".join(("these links lead nowhere:", *lost)), file=sys.stderr)
        return 1
    (OUT / "zensical.toml").write_text(settings(sources), "utf-8")
    line = [str(_ZENSICAL), "build", "-f", "zensical.toml", "--clean"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=_WAIT_S, cwd=OUT, check=False)
    if done.returncode or not (OUT / "site/index.html").is_file():
        print(done.stdout[-4_000:] + done.stderr[-4_000:], file=sys.stderr)
        return 1
    pages = sum(1 for _ in (OUT / "site").rglob("*.html"))
    print(f"docs: {pages} pages in {(OUT / 'site').relative_to(ROOT)}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
