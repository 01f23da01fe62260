"""The record as one file: everything is in it, nothing is asked of another host, and what is shown is escaped."""

from html.parser import HTMLParser

from virtuoso.analysis.quality.figures import Figure
from virtuoso.research.track_record.html import html_page
from virtuoso.research.track_record.markdown import page
from virtuoso.research.track_record.plots import Interval, intervals
from virtuoso.research.track_record.sections import Column, Section, Table

FIGURE = Figure(value=0.0512, lower=-0.01, upper=0.11, n=1_234, n_eff=56.0, days=7)
ROWS = tuple((f"A|B<{i}>", FIGURE, None) for i in range(40))
SECTIONS = (
    Section(
        "What & how",
        ("*Skill* of `x` is **bold**; 5 * 3 * 2 < 31.", ""),
        (Table("Few", (Column("set"), Column("skill"), Column("came")), ROWS[:2]),),
        (intervals("skill", "Skill <1>", [Interval("a<b", FIGURE)]),),
    ),
    Section("Long", (), (Table("Many", (Column("set"), Column("skill"), Column("came")), ROWS),)),
)
VOID = {"meta", "rect", "line", "circle", "path"}


class Read(HTMLParser):
    """Holds tags balanced, and what refers elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.refers: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.refers += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_one_file_holds_all_and_asks_nothing_of_others() -> None:
    text = html_page("A <record>", "First.\n\nSecond.", SECTIONS)
    read = Read()
    read.feed(text)
    assert read.open == []
    assert all(refers.startswith("#") for refers in read.refers)
    assert "url(" not in text
    assert "@import" not in text
    assert {"script", "img", "link", "iframe"}.isdisjoint(read.count)
    assert read.count["svg"] == 1
    assert read.count["tr"] == 1 + 2 + 1 + 40
    assert read.count["details"] == 1
    assert "0.051 [−0.010, 0.110]" in read.text
    assert "A|B<0>" in read.text
    assert "5 * 3 * 2 < 31" in read.text
    assert "<em>Skill</em> of <code>x</code> is <b>bold</b>" in text


def test_the_page_in_markdown_has_the_same_cells() -> None:
    lines = page("T", "P", SECTIONS, "images").splitlines()
    assert "| A\\|B<0> | 0.051 [−0.010, 0.110] | unknown | 1,234 | 56 | 7 |" in lines
