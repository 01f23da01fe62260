"""`virtuoso audit`: what the monitor says of the demo's market stands on final data, and a planted repaint is found."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import command, settings_for

from virtuoso.exchange.bybit import paths
from virtuoso.playback.final_bars import streamed
from virtuoso.recording.reader import read
from virtuoso.recording.records import Answer, Frame, Header, Record, Said
from virtuoso.recording.writer import RecordingWriter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SECONDS = 125
CORRECTED, EDITED, INVENTED = "BTCUSDT", "ETHUSDT", "NOSUCHUSDT"


@pytest.fixture(scope="module")
def recording(shared_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two closes of the demo's market, said by a monitor and recorded."""
    shared_exchange.clear()
    folder, pace = tmp_path_factory.mktemp("audit"), shared_exchange.pace
    config = settings_for(shared_exchange, folder, "universe: {size: 4}\n")
    with pace.flowing():
        pace.sleep(62 - pace.now_s() % 60)
    line = command("record", str(folder / "day"), "-c", str(config), pace=pace)
    with warm.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            pace.begun(process)
            pace.sleep(SECONDS)
            process.send_signal(signal.SIGINT)
            with pace.flowing():
                _, complaints = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, complaints
    return folder / "day"


def audited(recording: Path, config: Path, *options: str) -> tuple[int, dict[str, Any]]:
    ended = warm.run(command("audit", str(recording), "-c", str(config), "--json", *options), timeout=120)
    assert ended.stdout, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return ended.returncode, found


def test_nothing_that_was_said_of_the_demo_repaints(recording: Path) -> None:
    code, found = audited(recording, recording.parent / "virtuoso.yaml")
    assert (code, found["repainted"], found["bars_corrected"]) == (0, False, 0), found["findings"]
    assert found["closes"] >= 2
    assert found["statements"] >= 4 * found["closes"]
    for aspect, counts in found["counts"].items():
        assert counts["changed"] == counts["vanished"] == counts["added"] == 0, aspect
        assert counts["unjudged"] <= 4, "only what was said before the first frame"
        assert counts["same"] >= 4, aspect


def test_planted_repaints_are_found_and_named(recording: Path, tmp_path: Path) -> None:
    """A bar that the exchange corrects at the end, a score that was edited, and a statement that nothing gives."""
    records = list(read(recording))
    header = records[0]
    assert isinstance(header, Header)
    with RecordingWriter(
        tmp_path / "planted", header, rotate_bytes=1 << 30, rotate_s=1e6, on_failure=pytest.fail
    ) as writer:
        for record in planted(records[1:]):
            writer.wait_put(record)
    code, found = audited(tmp_path / "planted", recording.parent / "virtuoso.yaml")
    assert (code, found["repainted"], found["bars_corrected"]) == (1, True, 1)
    failing = [each for each in found["findings"] if each["verdict"] in {"changed", "vanished"}]
    causes = {(each["symbol"], each["verdict"]): each["cause"] for each in reversed(failing)}
    assert causes[CORRECTED, "changed"].startswith("corrected bar")
    assert causes[INVENTED, "vanished"].startswith("none: nothing")
    edited = [each for each in failing if each["symbol"] == EDITED and each["cause"].startswith("none")]
    assert [(each["what"], each["live"][0]) for each in edited] == [("reading", 99.0)]
    for each in failing:  # the market's part of forecasts rests on the corrected bar
        if each["symbol"] not in {CORRECTED, INVENTED} and each not in edited:
            assert each["cause"].startswith("corrected bar of the market"), each


def planted(records: list[Record]) -> list[Record]:
    opens = [found for each in records if isinstance(each, Frame) and (found := streamed(each)) is not None]
    open_ms = min(open_ms for symbol, open_ms in opens if symbol == CORRECTED)
    first = next(i for i, each in enumerate(records) if isinstance(each, Said) and each.close_ms > open_ms)
    said = records[first]
    assert isinstance(said, Said)
    changed = [replace(each, score=99.0) if each.symbol == EDITED else each for each in said.statements]
    invented = replace(said.statements[0], symbol=INVENTED)
    records[first] = replace(said, statements=(*changed, invented))
    last_ns = max(each.received_ns for each in records if isinstance(each, Frame))
    row = _corrected(
        next(each for each in records if isinstance(each, Frame) and streamed(each) == (CORRECTED, open_ms))
    )
    body = {"retCode": 0, "retMsg": "OK", "result": {"list": [row]}, "time": last_ns // 1_000_000 + 10_000}
    query = {"category": "linear", "symbol": CORRECTED, "interval": "1", "start": str(open_ms), "end": str(open_ms)}
    return [*records, Answer(last_ns, last_ns, paths.BARS, query, 200, msgspec.json.encode(body))]


def _corrected(frame: Frame) -> list[str]:
    """The bar of a frame as a row of an answer, half a percent higher at its close."""
    bar = msgspec.json.decode(frame.payload)["data"][0]
    close = 1.005 * float(bar["close"])
    high = max(close, float(bar["high"]))
    return [str(bar["start"]), bar["open"], str(high), bar["low"], str(close), bar["volume"], bar["turnover"]]
