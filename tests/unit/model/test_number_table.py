"""The table of numbers that the dashboard's formatter is held to (dashboard/src/format/numbers.test.ts): ours too."""

import json
from pathlib import Path

import pytest

from virtuoso.model.text.numbers import amount_text, number_text, price_text

TABLE = Path(__file__).parents[2] / "data" / "number-texts.json"
WRITERS = {"price": price_text, "amount": amount_text, "number": number_text}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_number_of_the_table_is_written_so(kind: str) -> None:
    rows = [(given, text) for found, given, text in json.loads(TABLE.read_text()) if found == kind]
    assert len(rows) >= 40
    assert [WRITERS[kind](*given) for given, _ in rows] == [text for _, text in rows]
