"""Past cones out of rows, of which some are not what this program writes."""

from dataclasses import replace

import numpy as np
from sqlalchemy import create_engine, insert
from tests.support.lived import CLOSE_MS, came, statements

from virtuoso.monitor.lived.codec import packed_came, packed_statements
from virtuoso.storage.database.lived import lived_values
from virtuoso.storage.database.past_cones import past_cones
from virtuoso.storage.database.records import LivedKey, LivedRow
from virtuoso.storage.database.schema import LIVED


def test_a_reason_that_nobody_knows_is_a_damaged_row_and_the_cone_is_shown() -> None:
    rng = np.random.default_rng(0)
    said = statements(rng, 2)
    after = came(rng, said, 60, missing=1)
    odd = replace(after, values=np.where(after.values == 1.0, 9.0, after.values))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        LIVED.create(connection)
        for minutes, body in ((0, packed_statements(said)), (60, packed_came(odd))):
            row = LivedRow(LivedKey(CLOSE_MS, "reading", 0, minutes), body)
            connection.execute(insert(LIVED), lived_values("main", "made-up", row))
        found = past_cones(connection, "main", "S0USDT", 60, 10)
    engine.dispose()
    assert [(cone.close_ms, cone.due) for cone in found.found] == [(CLOSE_MS, False)]
    assert len(found.damaged) == 1
