"""Cases with the program as its users run it: what sockets, bodies and memory do; all of them in `make soak`.

There they take real time. In `make test` time is moved and waits for the exchange, the proxy and the program, so that
it is short and a busy machine only makes it longer.
"""

from collections.abc import Iterator

import pytest
from tests.faults.hostile.case import Case
from tests.faults.hostile.cases import CASES
from tests.faults.hostile.judge import live_through
from tests.faults.hostile.live import LiveSubject, living_program
from tests.faults.hostile.odd import Edit
from tests.support.pace import SPEED
from tests.support.soak import SOAK

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
_SHORT = ("rest_gzip_bomb", "all_frames_garbled", "fragmented")


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSubject]:
    with living_program(tmp_path_factory.mktemp("live"), None if SOAK else SPEED) as living:
        yield living


@pytest.mark.parametrize(
    "case", [case for case in CASES if SOAK or case.name in _SHORT], ids=lambda case: str(case.name)
)
def test_case(case: Case, subject: LiveSubject) -> None:
    try:
        live_through(case, subject)
    except AssertionError as error:
        error.add_note(subject.logged())
        raise
    finally:
        subject.edit(Edit())
