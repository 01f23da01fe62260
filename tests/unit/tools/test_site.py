"""The documentation site: every page is in its navigation once, every link leads somewhere, the reference is whole."""

import re
from pathlib import Path

import pytest
from tools.site.__main__ import NAV, nav, settings
from tools.site.pages import ROOT, broken, gather

from virtuoso.config.keys import paths
from virtuoso.model.catalogue.kinds import KINDS


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "src"
    gather(folder)
    return folder


def test_no_link_leads_nowhere(sources: Path) -> None:
    assert list(broken(sources)) == []


@pytest.mark.parametrize(
    "link", ["[a](nowhere.md)", "[a](stores.md#no-such-heading)", "![a](images/none.png)", "[`a`](../src/none)"]
)
def test_a_link_that_does_is_named(sources: Path, link: str) -> None:
    page = sources / "planted.md"
    page.write_text(f"# Planted\n\n```\n[b](nowhere.md)\n```\n{link}\n")
    try:
        (found,) = broken(sources)
    finally:
        page.unlink()
    assert found == f"planted.md: {link.rpartition('(')[2].removesuffix(')')}"


def test_every_page_is_in_the_navigation_once(sources: Path) -> None:
    listed = [
        page for section in nav(sources) for pages in section.values() for each in pages for page in each.values()
    ]
    assert sorted(listed) == sorted(page.relative_to(sources).as_posix() for page in sources.rglob("*.md"))
    assert list(NAV) == [section for each in nav(sources) for section in each]
    assert 'site_name = "Virtuoso"' in settings(sources)


def test_the_reference_names_every_key_every_kind_and_no_key_without_a_word(sources: Path) -> None:
    keys = (sources / "reference/configuration.md").read_text("utf-8")
    parts = dict(part.partition("\n")[::2] for part in re.split(r"^## ", keys, flags=re.MULTILINE)[1:])
    parts["``"] = keys.partition("\n## ")[0]
    for path in paths():
        rows = [line for line in parts[f"`{'.'.join(path[:-1])}`"].splitlines() if line.startswith(f"| `{path[-1]}` |")]
        assert len(rows) == 1, path
        assert rows[0].split(" | ")[-1].removesuffix(" |").strip(), f"{path} is not described"
    kinds = (sources / "reference/kinds.md").read_text("utf-8")
    assert [line[3:] for line in kinds.splitlines() if line.startswith("## ")] == [
        kind.title for kind in KINDS.values()
    ]
    api = (sources / "reference/api.md").read_text("utf-8")
    assert "### `GET /api/signals/top`" in api
    assert "Answers [TopSignals](#topsignals)." in api


def test_the_sources_are_those_of_the_repository(sources: Path) -> None:
    assert (sources / "operations.md").read_text("utf-8").startswith("# Operations")
    assert "docs/" not in "".join(
        line for line in (sources / "index.md").read_text("utf-8").splitlines() if line.startswith("![")
    )
    assert (ROOT / "docs/operations.md").is_file()
