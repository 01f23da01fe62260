"""A backup is made while everything runs, and a start from it serves the same history."""

import json
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from tests.support import warm
from tests.support.exchange import running_exchange
from tests.support.pace import STORES_SPEED
from tests.support.program import Program, command, running_program, settings_for

from virtuoso.config import Settings
from virtuoso.model.errors import UsageError
from virtuoso.processes.backups import back_up, restore

MINUTE_S = 60
SMALL = "universe: {size: 4}\n"
MADE = "2026-11-28T09:00:00.000Z"
SERIES = "timeseries/bybit-linear"


def called(*arguments: str) -> tuple[int, str, str]:
    """Exit code and what was said."""
    done = warm.run(command(*arguments), timeout=60)
    return done.returncode, done.stdout, done.stderr


def quiet(_: float) -> None:
    """Nobody is told how far it is."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def copy(settings: Settings, tmp_path: Path) -> Path:
    """A backup of a database and time series that are in use, with all of it still in the logs of SQLite."""
    series = settings.data_dir / "timeseries/bybit-linear"
    (series / "archive/minutes/bars").mkdir(parents=True)
    (series / "archive/minutes/bars/2026-01-01.parquet").write_bytes(b"PAR1")
    target = tmp_path / "copy"
    with ExitStack() as stack:
        for file in (settings.data_dir / "virtuoso.sqlite", series / "minutes-2026-01-02.db"):
            live = stack.enter_context(closing(sqlite3.connect(file)))
            live.execute("PRAGMA journal_mode = WAL")
            live.execute("CREATE TABLE t (x)")
            live.execute("INSERT INTO t VALUES (7)")
            live.commit()
            assert file.with_name(file.name + "-wal").stat().st_size > 0
        shares: list[float] = []
        manifest = back_up(settings, target, made=MADE, version="1", progress=shares.append)
    assert [file.path for file in manifest.files] == [
        "virtuoso.sqlite",
        f"{SERIES}/archive/minutes/bars/2026-01-01.parquet",
        f"{SERIES}/minutes-2026-01-02.db",
    ]
    assert shares == [0, 1 / 3, 2 / 3, 1]
    return target


def test_a_backup_has_what_is_still_in_the_logs_and_goes_back_where_nothing_is(copy: Path, settings: Settings) -> None:
    home = settings.data_dir
    home.rename(home.with_name("data.old"))
    assert restore(settings, copy, progress=quiet).made == MADE
    for file in (home / "virtuoso.sqlite", home / SERIES / "minutes-2026-01-02.db"):
        with closing(sqlite3.connect(file)) as found:
            assert found.execute("SELECT x FROM t").fetchall() == [(7,)]
    assert (home / SERIES / "archive/minutes/bars/2026-01-01.parquet").read_bytes() == b"PAR1"
    assert sorted(path.name for path in home.iterdir()) == ["timeseries", "virtuoso.sqlite"]


def test_what_is_there_is_never_overwritten(copy: Path, settings: Settings) -> None:
    with pytest.raises(UsageError, match="copy is there already; name a folder that is not"):
        back_up(settings, copy, made=MADE, version="1", progress=quiet)
    with pytest.raises(UsageError, match="there already; stop monitor and web, and move it away: mv "):
        restore(settings, copy, progress=quiet)


@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal"])
def test_what_sqlite_left_beside_a_database_is_not_played_into_what_is_restored(
    copy: Path, settings: Settings, end: str
) -> None:
    settings.data_dir.rename(settings.data_dir.with_name("data.old"))
    settings.data_dir.mkdir()
    beside = settings.data_dir / f"virtuoso.sqlite{end}"
    beside.write_bytes(b"of a monitor that was killed")
    with pytest.raises(UsageError, match=rf"virtuoso.sqlite{end} is there already; .* mv "):
        restore(settings, copy, progress=quiet)
    assert [path.name for path in settings.data_dir.iterdir()] == [beside.name]


def test_what_a_restore_left_half_done_is_no_part_of_the_next(copy: Path, settings: Settings) -> None:
    settings.data_dir.rename(settings.data_dir.with_name("data.old"))
    left = settings.data_dir / "timeseries.part/bybit-linear/of-another-backup.db"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"other")
    restore(settings, copy, progress=quiet)
    assert not (settings.data_dir / SERIES / left.name).exists()
    assert not left.exists()


def test_a_database_may_be_elsewhere_and_on_a_server_is_not_of_this(copy: Path, settings: Settings) -> None:
    settings.data_dir.rename(settings.data_dir.with_name("data.old"))
    server = Settings(data_dir=settings.data_dir, database={"url": "postgresql://localhost/virtuoso"})
    with pytest.raises(UsageError, match=r"holds a database of SQLite, and database\.url names a server"):
        restore(server, copy, progress=quiet)
    elsewhere = settings.data_dir.with_name("elsewhere") / "kept.db"
    restore(Settings(data_dir=settings.data_dir, database={"url": f"sqlite:///{elsewhere}"}), copy, progress=quiet)
    assert elsewhere.exists()
    assert [path.name for path in settings.data_dir.iterdir()] == ["timeseries"]


@pytest.mark.parametrize("damage", ["other bytes", "gone", "outside", "no backup", "no manifest"])
def test_a_damaged_backup_changes_nothing(copy: Path, settings: Settings, damage: str) -> None:
    settings.data_dir.rename(settings.data_dir.with_name("data.old"))
    victim, manifest = copy / SERIES / "minutes-2026-01-02.db", copy / "backup.json"
    if damage == "other bytes":
        victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    elif damage == "gone":
        victim.unlink()
    elif damage == "outside":
        manifest.write_text(manifest.read_text().replace(f"{SERIES}/archive", "timeseries/../.."))
    elif damage == "no backup":
        manifest.write_text("[]")
    else:
        manifest.unlink()
    said = {
        "other bytes": "is not what was backed up; nothing was restored",
        "gone": "No such file or directory; nothing was restored",
        "outside": "is no backup: it names a file outside it",
        "no backup": "is no backup: backup.json: Expected `object`",
        "no manifest": "is no backup: backup.json: No such file",
    }[damage]
    with pytest.raises(UsageError, match=said):
        restore(settings, copy, progress=quiet)
    assert not settings.data_dir.exists()


def test_nothing_to_back_up_is_said(tmp_path: Path) -> None:
    config = settings_for(None, tmp_path)
    code, _, errors = called("backup", str(tmp_path / "copy"), "-c", str(config))
    assert (code, errors) == (
        2, f"virtuoso: data_dir = {tmp_path / 'data'}: holds neither a database nor time series\n",
    )  # fmt: skip


def history(program: Program) -> dict[str, list[Any]]:
    """What the stores alone know of."""
    return {
        "scores": program.ask("/api/symbols/BTCUSDT/scores?limit=1000")["scores"],
        "passes": program.ask("/api/monitoring/history?hours=1")["groups"],
        "incidents": [each["id"] for each in program.ask("/api/alerts?limit=200")["alerts"]],
    }


@pytest.mark.slow
def test_a_start_from_a_backup_made_under_load_serves_the_same_history(tmp_path: Path) -> None:
    copy, second = tmp_path / "copy", tmp_path / "second"
    second.mkdir()
    with running_exchange(speed=STORES_SPEED) as exchange:
        pace = exchange.pace
        with running_program(config := settings_for(exchange, tmp_path, SMALL), pace=pace) as program:
            program.until(
                "two stretches of passes, and a score",
                lambda: len(history(program)["passes"]) >= 3 and history(program)["scores"],
                200,
            )
            before = history(program)
            code, said, errors = called("backup", str(copy), "-c", str(config), "--json")
            assert (code, errors) == (0, "")
            assert {file["path"] for file in json.loads(said)["files"]} >= {"virtuoso.sqlite"}
        again = settings_for(exchange, second, SMALL)
        assert called("restore", str(copy), "-c", str(again))[0] == 0
        pace.sleep(MINUTE_S - pace.now_s() % MINUTE_S)  # a close that is scored again is kept as it was scored last
        with running_program(again, pace=pace) as program:
            after = history(program)
    before["passes"].pop()  # the stretch that was not over
    assert before["passes"]
    assert before["scores"]
    for name, entries in before.items():
        assert [entry for entry in entries if entry not in after[name]] == []


def test_the_log_of_what_goes_on_running_is_left_alone(tmp_path: Path) -> None:
    """Whoever makes it owns it: one that root made for a backup is closed to the monitor."""
    config, log = tmp_path / "c.yaml", tmp_path / "log" / "v.log"
    config.write_text(f"data_dir: {tmp_path / 'data'}\nlogging: {{file: {log}}}\n")
    for command_of in (("backup", str(tmp_path / "copy")), ("restore", str(tmp_path / "none"))):
        code, _, said = called(*command_of, "-c", str(config))
        assert (code, log.parent.exists()) == (2, False), said
