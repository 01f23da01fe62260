"""The scoreboard in docs/reliability.md is that of the cases that are run."""

from tests.faults.hostile.cases import CASES
from tests.faults.hostile.scoreboard import PAGE, written


def test_the_page_shows_every_case_as_it_is_run() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "run `python -m tests.faults.hostile.scoreboard`"


def test_there_are_enough_cases_each_with_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 100
