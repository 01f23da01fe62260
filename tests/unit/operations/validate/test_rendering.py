"""Reports as people read them: what a deployment says is inert in them, and nothing is left out."""

from html.parser import HTMLParser

import pytest
from tests.support.validation import FEED, SECONDS, feed, fine

from virtuoso.operations.validate.judgement import judged
from virtuoso.operations.validate.judging.words import naming, percent, seconds
from virtuoso.operations.validate.rendering.markdown import markdown
from virtuoso.operations.validate.rendering.page import page
from virtuoso.operations.validate.report import Report

EVIL = 'a|b\n# <script>alert("x")</script> [link](javascript:x)'


@pytest.fixture(scope="module")
def report() -> Report:
    """Of a deployment that refused frames for a reason of evil words."""
    samples = fine()
    samples.status[-1].body["feeds"][FEED[0]] = feed(SECONDS, refusals={EVIL: 900})
    return judged(samples)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


def test_markdown_has_every_section_and_every_check(report: Report) -> None:
    text = markdown(report)
    for section in report.sections:
        assert f". {section.title}\n" in text
    for title in ("Summary", "Traceability matrix", "Risks and recommendations", "Decision", "Appendix B: raw samples"):
        assert title in text
    assert all(check.test in text for check in report.checks)
    assert report.decision in text


def test_what_a_deployment_says_ends_no_cell_and_begins_no_tag_or_link(report: Report) -> None:
    rows = [line for line in markdown(report).splitlines() if "alert(" in line]
    assert rows
    for row in rows:
        assert r"a\|b # \<script>" in row
        assert r"\[link](" in row


def test_the_page_has_no_script_and_names_no_other_address(report: Report) -> None:
    found = _Tags()
    text = page(report)
    found.feed(text)
    assert found.tags.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert "alert(&quot;x&quot;)" in text
    assert all(check.test in text.replace("&#x27;", "'") for check in report.checks)


def test_numbers_for_people() -> None:
    assert percent(100.0) == "100 %"
    assert percent(99.999) == "99.99 %", "never 100 where something is missing"
    assert percent(None) == "—"
    assert seconds(981.0) == "16m21s"
    assert seconds(0.5) == "0.5 s"
    assert naming("abcdefghijk") == "a, b, c, d, e, f, g, h and 3 more"
