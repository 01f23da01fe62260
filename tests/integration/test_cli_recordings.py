"""`virtuoso recordings` as a user runs it: list, trim and export of a recording of the bundled market."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.bundled import record_bundled
from typer.testing import CliRunner

from virtuoso.cli.recordings import app
from virtuoso.model.errors import UsageError
from virtuoso.recording.reader import read
from virtuoso.recording.records import Answer, Closed, Dropped, Frame, Header
from virtuoso.recording.writer import RecordingWriter

START_MS = 1_795_463_400_000
SECONDS = 40
SYMBOLS = ("BTCUSDT", "ETHUSDT")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_bundled(tmp_path_factory.mktemp("recordings") / "day", START_MS, SECONDS, SYMBOLS)


def said(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False, standalone_mode=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def refused(*arguments: object) -> str:
    with pytest.raises(UsageError) as raised:
        CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False, standalone_mode=False)
    return str(raised.value)


def test_a_list_says_what_each_recording_holds(day: Path, tmp_path: Path) -> None:
    (row,) = json.loads(said("list", day.parent, "--json"))
    frames = [record for record in read(day) if isinstance(record, Frame)]
    assert (row["name"], row["files"], row["state"], row["frames"]) == (str(day), 1, "closed", len(frames))
    assert row["bytes"] == sum(file.stat().st_size for file in day.parent.glob("day.*"))
    assert row["seconds"] == pytest.approx(SECONDS, abs=1)
    assert len(row["symbols"]) == 15, "tickers and bars of all"
    assert row["bytes_per_day"] == pytest.approx(row["bytes"] / row["seconds"] * 86_400, rel=1e-3)
    assert "closed" in said("list", day)
    copied = shutil.copy(day.parent / "day.0001.vrec.zst", tmp_path / "torn.0001.vrec.zst")
    Path(copied).write_bytes(Path(copied).read_bytes()[:-5])
    (torn,) = json.loads(said("list", tmp_path / "torn", "--json"))
    assert torn["state"] == "torn: torn.0001.vrec.zst"
    assert {name: torn[name] for name in ("frames", "symbols", "from", "to")} == {
        name: row[name] for name in ("frames", "symbols", "from", "to")
    }


def test_nothing_to_list_is_said(tmp_path: Path) -> None:
    assert "there is no recording" in said("list", tmp_path)
    assert "no such recording" in refused("list", tmp_path / "nothing")


def test_the_oldest_files_are_trimmed(day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):
        shutil.copy(day.parent / "day.0001.vrec.zst", tmp_path / f"many.{number:04d}.vrec.zst")
    would = json.loads(said("trim", tmp_path / "many", "--keep", 1, "--dry-run", "--json"))
    assert [Path(each["file"]).name for each in would["files"]] == ["many.0001.vrec.zst", "many.0002.vrec.zst"]
    assert len(list(tmp_path.iterdir())) == 3
    assert said("trim", tmp_path / "many", "--no-config").startswith("0 files removed"), "a small one is within bounds"
    monkeypatch.setenv("VIRTUOSO__RECORDING__TOTAL_GB", "0.000001")
    assert said("trim", tmp_path / "many", "--no-config", "--dry-run").startswith(str(tmp_path)), (
        "the environment counts"
    )
    assert "2 files removed" in said("trim", tmp_path / "many", "--keep", 1)
    assert [file.name for file in tmp_path.iterdir()] == ["many.0003.vrec.zst"]


def exported(day: Path, out: Path, *options: str) -> Sequence[object]:
    said("export", day, out, *options)
    return list(read(out))


def test_a_span_and_some_symbols_are_exported_to_a_recording_that_begins_with_its_books(
    day: Path, tmp_path: Path
) -> None:
    from_ms, to_ms = START_MS + 10_000, START_MS + 20_000
    options = ("--from", str(from_ms), "--to", str(to_ms), "--symbols", "btcusdt")
    header, *records = exported(day, tmp_path / "part", *options)
    assert isinstance(header, Header)
    frames = [record for record in records if isinstance(record, Frame)]
    assert {frame.payload.split(b'"', 4)[3].rpartition(b".")[2] for frame in frames} == {b"BTCUSDT"}
    kept = [
        record
        for record in read(day)
        if isinstance(record, Frame)
        and from_ms * 1_000_000 <= record.received_ns < to_ms * 1_000_000
        and b'BTCUSDT"' in record.payload[:60]
    ]
    made = frames[: len(frames) - len(kept)]
    assert frames[len(made) :] == kept, "as they were, to the byte"
    assert sorted(frame.payload.split(b'"', 4)[3] for frame in made) == [b"orderbook.50.BTCUSDT", b"tickers.BTCUSDT"]
    assert all(b'"type":"snapshot"' in frame.payload for frame in made)
    asked = {record.query.get("symbol") for record in records if isinstance(record, Answer)}
    assert asked == {None, "BTCUSDT"}
    assert "choose another" in refused("export", day, tmp_path / "part")


def test_no_book_is_made_up_where_records_are_missing(day: Path, tmp_path: Path) -> None:
    """Deltas were dropped: what the book was before them says nothing of what it is after them."""
    records, at_ns = list(read(day)), (START_MS + 5_000) * 1_000_000
    gap = next(n for n, each in enumerate(records) if isinstance(each, Frame) and each.received_ns >= at_ns)
    lost = [*records[:gap], Dropped(at_ns, 1, "the buffer was full")]
    header = lost[0]
    assert isinstance(header, Header)
    with RecordingWriter(
        tmp_path / "lost", header, rotate_bytes=1 << 30, rotate_s=1e9, on_failure=print, buffer_bytes=1 << 30
    ) as writer:
        for each in (*lost[1:], Closed(at_ns + 1_000_000_000, 9, "the end")):
            writer.put(each)
    found = exported(tmp_path / "lost", tmp_path / "later", "--from", str(START_MS + 5_500))
    assert any(isinstance(each, Answer) for each in found)
    assert not [each for each in found if isinstance(each, Frame)]


def test_json_lines_hold_every_record(day: Path, tmp_path: Path) -> None:
    said("export", day, tmp_path / "day.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "day.jsonl").read_text().splitlines()]
    records = list(read(day))
    assert [line["kind"] for line in lines] == [type(record).__name__.lower() for record in records]
    texts = [line["text"].encode() for line in lines if line["kind"] == "frame"]
    assert texts == [record.payload for record in records if isinstance(record, Frame)]
    assert "must be later" in refused("export", day, tmp_path / "x", "--from", "9", "--to", "8")
