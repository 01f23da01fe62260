"""What is asked of a deployment and what is kept of it: routes with real names, a log without secrets, the folder."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.validation import at

from virtuoso.model.errors import UsageError
from virtuoso.operations.validate.folder import RUN, SampleWriter, file_of, read_samples
from virtuoso.operations.validate.samples import ALERTS, Route, Run, Sample
from virtuoso.operations.validate.sampling import logfile
from virtuoso.operations.validate.sampling.logfile import LogFile
from virtuoso.operations.validate.sampling.routes import routes_of

SERIES = [
    {"name": "symbol", "in": "path", "required": True, "schema": {"type": "string"}},
    {"name": "name", "in": "query", "required": True,
     "schema": {"type": "array", "items": {"type": "string", "pattern": "^(open_interest|funding)$"}}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 1500}},
]  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/health": {"get": {}},
        "/api/signals/top": {"get": {"parameters": [{"name": "limit", "in": "query", "schema": {"maximum": 1000}}]}},
        "/api/symbols/{symbol}/series": {"get": {"parameters": SERIES}},
        "/api/signals/{signal_id}": {"get": {}},
        "/api/silences": {"post": {}},
    }
}


def test_each_documented_operation_has_a_request_or_the_reason_why_not() -> None:
    routes = {route.path: route for route in routes_of(DOCUMENT, {"symbol": "BTC/USDT"})}
    assert routes["/health"].asked == "/health"
    assert routes["/api/signals/top"].asked == "/api/signals/top?limit=1000"
    assert routes["/api/symbols/{symbol}/series"].asked == "/api/symbols/BTC%2FUSDT/series?name=open_interest"
    assert routes["/api/signals/{signal_id}"].asked is None
    assert "there is no signal yet" in (routes["/api/signals/{signal_id}"].reason or "")
    assert routes["/api/silences"].method == "POST"
    assert routes["/api/silences"].reason == "it changes something"


@pytest.mark.parametrize("document", [None, [], {"paths": 5}, {"paths": {"/x": {"get": 3}}}])
def test_a_document_of_another_form_has_no_routes(document: Any) -> None:
    assert routes_of(document, {}) == ()


def test_the_log_is_read_from_the_begin_of_the_window_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    log = LogFile(path, ['s3cr"t'])
    with path.open("a") as file:
        file.write("to https://discord.com/api/webhooks/137/abc-DEF failed\nat http://me:word@host/x\n")
        file.write('{"event": "s3cr\\"t"} s3cr"t\nbegun')
    assert log.gained() == [
        "to https://discord.com/api/webhooks/*** failed", "at http://***@host/x", '{"event": "***"} ***',
    ]  # fmt: skip
    assert log.gained() == [], "each line is told once, when it is whole"
    assert log.gained(last=True) == ["begun"]
    assert (log.count, log.gaps) == (4, [])


def test_a_log_that_is_rotated_is_read_to_its_end_and_then_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n" * 5)
    log = LogFile(path)
    with path.open("a") as old:
        old.write("one\n")
        old.flush()
        path.rename(tmp_path / "log.1")
        assert log.gained() == ["one"], "there is no other file yet"
        path.touch()
        old.write("two\n")
        old.flush()
        assert log.gained() == ["two"], "the program goes on in the old one until it is told"
        old.write("three")
    path.write_text("four\n")
    assert log.gained(last=True) == ["three", "four"]
    assert (log.count, log.gaps) == (4, [])


def test_a_log_that_is_cut_off_is_read_on_and_the_gap_is_said(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n" * 5)
    log = LogFile(path)
    path.write_text("after\n")
    assert log.gained(last=True) == ["after"]
    assert "cut off" in log.gaps[0]


def test_lines_beyond_what_is_kept_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "MOST_BYTES", 10)
    path = tmp_path / "log"
    path.touch()
    log = LogFile(path)
    path.write_text("12345\n67890\nabc\n")
    assert log.gained(last=True) == ["12345", "67890"]
    assert log.count == 3


def test_a_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        LogFile(tmp_path / "log")


def test_what_is_written_is_read_again_and_hashed(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "samples")
    writer.write(RUN, Run(url="http://x", began=at(0), ended=at(0), window_s=60.0, partial=True))
    writer.write("routes.json", (Route(method="GET", path="/health", asked="/health"),))
    for second in (1, 2):
        writer.answer("/health", Sample(at=at(second), path="/health", status=200, body={"status": "healthy"}))
        writer.add("status.jsonl", Sample(at=at(second), path="/api/monitoring/status", error="no answer"))
    found = read_samples(writer.folder)
    assert len(found.answers["/health"]) == 2
    assert found.run.ended == at(2), "one that was killed ends with its last sample"
    assert {file.name: file.lines for file in found.files}[file_of("/health")] == 2
    assert all(len(file.sha256) == 64 for file in found.files)


def test_what_is_told_again_and_again_is_kept_once(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "samples")
    writer.write(RUN, Run(url="http://x", began=at(0), ended=at(9), window_s=9.0))
    writer.write("routes.json", (Route(method="GET", path=ALERTS, asked=ALERTS),))
    ticker = "/v5/market/tickers?category=linear&symbol=AUSDT"
    writer.add("exchange.jsonl", Sample(at=at(1), path=ticker, status=200, body={}))
    item = {"id": "7", "alert_type": "volume", "timestamp": at(1), "resolved": False, "details": {"long": "x" * 99}}
    for second, symbols in enumerate((["AUSDT", "BUSDT"], ["BUSDT", "AUSDT"], ["AUSDT"], [])):
        alerts = {"alerts": [item | {"resolved": second > 1}]}
        writer.answer(ALERTS, Sample(at=at(second), path=ALERTS, status=200, body=alerts))
        prices = {"timestamp": at(second), "symbols": [{"symbol": symbol, "price": 1.0} for symbol in symbols]}
        writer.add("prices.jsonl", Sample(at=at(second), path="/api/symbols", status=200, body=prices))
    writer.add("prices.jsonl", Sample(at=at(9), path="/api/symbols", status=503, body={"title": "not now"}))
    found = read_samples(writer.folder)
    assert found.incidents == {"7": {"id": "7", "alert_type": "volume", "timestamp": at(1), "resolved": True}}
    assert [one.body for one in found.answers[ALERTS]] == [{}] * 4
    assert found.watched == [("AUSDT", "BUSDT"), ("AUSDT",), ()], "an answer that is no list says nothing of it"
    assert [list(one.body) for one in found.prices] == [["AUSDT"]] * 3 + [[], []]


def test_a_document_stands_until_the_next_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SampleWriter(tmp_path / "samples")
    run = Run(url="http://x", began=at(0), ended=at(0), window_s=60.0)
    writer.write(RUN, run)
    full = OSError(28, "No space left on device")
    write = Path.write_bytes

    def write_half(path: Path, content: bytes) -> int:
        write(path, content[: len(content) // 2])
        raise full

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(UsageError, match=r"run\.json: cannot be written: no space left"):
        writer.write(RUN, run)
    assert read_samples(writer.folder).run == run


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="holds something already"):
        SampleWriter(tmp_path)


def test_what_are_no_samples_is_said_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no run\.json"):
        read_samples(tmp_path)
    run = Run(url="http://x", began=at(0), ended=at(1), window_s=1.0)
    (tmp_path / RUN).write_bytes(msgspec.json.encode(run))
    (tmp_path / "status.jsonl").write_text('{"at": "x", "path": "/"}\n{\n')
    with pytest.raises(UsageError, match=r"status\.jsonl:2"):
        read_samples(tmp_path)
