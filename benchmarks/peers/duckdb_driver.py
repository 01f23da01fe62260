"""DuckDB with a primary key, each minute an Arrow table inserted and committed; see `minutes`."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import minutes
import pyarrow as pa


def main(folder: Path) -> None:
    columns = ", ".join(f'"{name}" DOUBLE' for name in minutes.FIELDS)
    names = ["time", "symbol", "timeframe", *minutes.FIELDS]
    with duckdb.connect(str(folder / "bars.duckdb")) as database:
        database.execute("SET threads = 1")
        database.execute(
            f"CREATE TABLE bars (time BIGINT, symbol TEXT, timeframe TEXT, {columns}, "
            "PRIMARY KEY (symbol, timeframe, time))"
        )

        def write(rows: list[minutes.Row]) -> None:
            table = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
            database.register("minute", table)
            database.execute("INSERT OR REPLACE INTO bars SELECT * FROM minute")
            database.unregister("minute")

        def day(name: str) -> int:
            query = (
                f"SELECT time, {', '.join(minutes.FIELDS)} FROM bars WHERE symbol = ? AND timeframe = ? ORDER BY time"
            )
            return len(database.execute(query, [name, "1m"]).fetchall())

        minutes.sample(write, day)


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        main(Path(directory))
