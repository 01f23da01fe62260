"""Tables at every width, and in a pipe: what gives way, what never does, and that nothing is cut."""

import re
from dataclasses import replace
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from virtuoso.cli.terminal.tables import Cells, Column, Table, at, facts, show

TEXT = "nothing silences it, and nobody has acknowledged it for an hour"
ROWS: list[Cells] = [("1f2e", "warning", "12.50", TEXT), ("ab", "info", "3", "short")]
COLUMNS = (
    at("id", 0), replace(at("level", 1, 2), narrow=Column("l", lambda row: str(row[1])[:1], 1)),
    at("value", 2, 1, right=True), at("why", 3, least=20),
)  # fmt: skip


def drawn(table: Table[Cells], width: int) -> list[str]:
    """Its lines on a console of that width."""
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(table, crop=False)
    return capture.get().splitlines()


def test_where_there_is_room_a_row_is_a_line() -> None:
    assert drawn(Table(COLUMNS, ROWS), 200) == [
        "id    level    value  why",
        f"1f2e  warning  12.50  {TEXT}",
        "ab    info         3  short",
    ]


def test_a_text_is_wrapped_in_its_own_column_before_others_give_way() -> None:
    assert drawn(Table(COLUMNS, ROWS), 50) == [
        "id    level    value  why",
        "1f2e  warning  12.50  nothing silences it, and",
        "                      nobody has acknowledged it",
        "                      for an hour",
        "ab    info         3  short",
    ]


def test_what_matters_least_is_shortened_and_then_left_out() -> None:
    table = Table(COLUMNS, ROWS)
    assert [table.titles(width) for width in (42, 41, 36, 35, 10)] == [
        ["id", "level", "value", "why"], ["id", "l", "value", "why"], ["id", "l", "value", "why"], ["id", "why"],
        ["id", "why"],
    ]  # fmt: skip


def test_a_column_that_says_nothing_goes_first_and_stays_where_there_is_room() -> None:
    rows: list[Cells] = [("1", "", "x" * 20)]
    columns = (at("id", 0, 2), at("noted by", 1, 1), at("what", 2))
    assert Table(columns, rows).titles(34) == ["id", "noted by", "what"]
    assert Table(columns, rows).titles(30) == ["id", "what"]


def test_texts_from_outside_are_shown_as_they_are() -> None:
    assert drawn(facts({"[bold]a": "\x1b[31mred\n[/]", "b": Text("c")}), 80) == ["[bold]a  �[31mred�[/]", "b        c"]


def test_titles_of_several_lines_stand_on_the_last_one() -> None:
    table = Table([Column("a\nbc", itemgetter(0), width=5, centred=True), at("d", 1)], [("x", "y")])
    assert drawn(table, 80) == ["  a", " bc    d", "x      y"]


def test_a_pipe_has_no_width_unless_columns_says_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    show([Table(COLUMNS, [("1", "info", "2", "word " * 500)]), Text("said " * 500)])
    assert [len(line) for line in capsys.readouterr().out.splitlines()] == [21, 18 + 2499, 2500]
    monkeypatch.setenv("COLUMNS", "60")
    show([Table(COLUMNS, [("1", "info", "2", "word " * 500)])])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


cells = st.text(st.sampled_from("ab 漢é"), max_size=30)


@given(
    st.lists(st.tuples(cells, cells, cells, cells), max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.none() | st.integers(2, 12)), min_size=4, max_size=4),
    st.integers(1, 150),
)
def test_a_line_fits_or_holds_only_what_never_gives_way(
    rows: list[Cells], specs: list[tuple[int, bool, int | None]], width: int
) -> None:
    columns = [at(f"t{n}", n, rank, right=right, least=least) for n, (rank, right, least) in enumerate(specs)]
    table = Table(columns, rows)
    lines, kept = drawn(table, width), table.titles(width)
    essential = [column.title for column in columns if column.rank == 0]
    assert [title for title in kept if title in essential] == essential
    if kept != essential:
        assert max(map(_wide, lines), default=0) <= width
    words = [re.sub(r"\s", "", str(row[int(title[1])])) for row in rows for title in kept]
    assert sorted("".join(words)) == sorted(re.sub(r"\s", "", "".join(lines[1:]))), "nothing is cut"


def _wide(line: str) -> int:
    return Text(line).cell_len
