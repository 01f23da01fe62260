"""Each thing that can be wrong with a deployment is planted in samples of a good one, and must fail by name."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.support.validation import FEED, SECONDS, at, failed, feed, fine, status, told

from virtuoso.operations.validate.judgement import judged
from virtuoso.operations.validate.judging.states import rises, rises_by_name
from virtuoso.operations.validate.report import Report, Verdict
from virtuoso.operations.validate.samples import (
    HEALTH,
    OVERVIEW,
    PIPELINE,
    SIGNALS,
    Machine,
    Processes,
    ProcessItem,
    Run,
    SampleFile,
    Samples,
    Statement,
)


def test_where_all_is_well_nothing_fails_and_nothing_is_noted() -> None:
    report = judged(fine())
    assert told(report, Verdict.FAIL, Verdict.OBSERVED) == {}
    assert report.passed


def test_the_same_samples_give_the_same_report() -> None:
    assert msgspec.json.encode(judged(fine())) == msgspec.json.encode(judged(fine()))


def late(samples: Samples, *path: str) -> list[dict[str, Any]]:
    """The dictionaries at a path of the status documents of the second half."""
    found = []
    for sample in samples.status[len(samples.status) // 2 :]:
        body = sample.body
        for name in path:
            body = body[name]
        found.append(body)
    return found


def _put(*path: str, **values: Any) -> Callable[[Samples], None]:
    def spoil(samples: Samples) -> None:
        for each in late(samples, *path):
            each.update(values)

    return spoil


def _feed(**values: Any) -> Callable[[Samples], None]:
    def spoil(samples: Samples) -> None:
        for each in late(samples, "feeds"):
            each[FEED[0]] = feed(SECONDS, **values)

    return spoil


def _answers(path: str, **values: Any) -> Callable[[Samples], None]:
    def spoil(samples: Samples) -> None:
        samples.answers[path][-3:] = [replace(one, **values) for one in samples.answers[path][-3:]]

    return spoil


def stand_still(samples: Samples) -> None:
    """The loop hangs for the second half."""
    middle = samples.status[len(samples.status) // 2].body["cycle"]
    for each in late(samples, "cycle"):
        each.update(count=middle["count"], last_success=middle["last_success"])


def restart(samples: Samples) -> None:
    for number, each in enumerate(late(samples)):
        each.update(instance="host:8", uptime_s=3.0 * number)
        each["cycle"]["count"] = number // 3


def freeze_prices(samples: Samples) -> None:
    for sample in samples.prices:
        sample.body["BTCUSDT"]["price"] = 103.0


def shift_prices(samples: Samples) -> None:
    for sample in samples.prices:
        sample.body["BTCUSDT"]["price"] *= 1.02


def _exchange(path: str, **values: Any) -> Callable[[Samples], None]:
    def spoil(samples: Samples) -> None:
        half = len(samples.exchange) // 2
        samples.exchange = [
            replace(one, **values) if place > half and one.path.startswith(path) else one
            for place, one in enumerate(samples.exchange)
        ]

    return spoil


def freeze_clock(samples: Samples) -> None:
    times = [one for one in samples.exchange if "time" in one.body]
    for one in times[len(times) // 2 :]:
        one.body["time"] = times[len(times) // 2].body["time"]


def set_clock(samples: Samples) -> None:
    times = [one for one in samples.exchange if "time" in one.body]
    for one in times[len(times) // 2 :]:
        one.body["time"] += 5_000


def stop_closes(samples: Samples) -> None:
    for one in samples.answers[SIGNALS]:
        one.body["signals"].append({"symbol": "SOLUSDT", "timestamp": at(-20), "data_quality": "live"})


def miss_one_close(samples: Samples) -> None:
    """One close is missing for 40 s, and then is there: seen in two sweeps."""
    for number, one in enumerate(samples.answers[SIGNALS]):
        item = dict(one.body["signals"][0]) | {"symbol": "SOLUSDT"}
        if number in {6, 7}:
            item["timestamp"] = at(100)
        one.body["signals"].append(item)


def stop_publishing(samples: Samples) -> None:
    for one in samples.answers[OVERVIEW]:
        one.body["timestamp"] = at(-600)


def tell_no_zone(samples: Samples) -> None:
    for one in samples.answers[OVERVIEW]:
        one.body["timestamp"] = one.body["timestamp"].removesuffix("Z")


def start_another(samples: Samples) -> None:
    other = ProcessItem(pid=8, name="virtuoso", role="monitor")
    samples.processes = [replace(each, processes=(*each.processes, other)) for each in samples.processes]


def leak(samples: Samples) -> None:
    samples.processes = [
        Processes(at=each.at, processes=tuple(replace(item, memory_mb=160.0 + number) for item in each.processes))
        for number, each in enumerate(samples.processes)
    ]


def start_by_hand(samples: Samples) -> None:
    web = ProcessItem(pid=9, name="virtuoso", role="web")
    samples.processes = [
        replace(each, processes=(replace(each.processes[0], unit="virtuoso-monitor.service"), web))
        for each in samples.processes
    ]


def open_cache(samples: Samples) -> None:
    cache = ProcessItem(pid=9, name="memcached", role="memcached", listens=("0.0.0.0:11211",))
    samples.processes = [replace(each, processes=(*each.processes, cache)) for each in samples.processes]


def cross_book(samples: Samples) -> None:
    samples.books[5].body["bids"] = [[101, 1]]


def report_trouble(samples: Samples) -> None:
    samples.incidents["1"] = TROUBLE


TROUBLE = {
    "alert_type": "stale_feed", "level": "critical", "message": "no data", "timestamp": at(60), "resolved": True,
    "resolved_at": at(80),
}  # fmt: skip


def freeze_overview(samples: Samples) -> None:
    """It moves for a while, and stands still then."""
    for one in samples.answers[OVERVIEW][10:]:
        one.body["timestamp"] = samples.answers[OVERVIEW][10].body["timestamp"]


def _channel(**values: Any) -> Callable[[Samples], None]:
    """A channel is so for a while, and is well again."""

    def spoil(samples: Samples) -> None:
        for one in samples.answers[PIPELINE][5:8]:
            one.body["channels"] = [one.body["channels"][0] | values]

    return spoil


def watch_nothing(samples: Samples) -> None:
    samples.watched.append(())


def log_error(samples: Samples) -> None:
    samples.log = ('{"event": "TypeError: no", "level": "error"}', "2025-09-30 18:15:01.503 [INFO] a - b")


def log_quick_fetches(samples: Samples) -> None:
    samples.log = ("2025-09-30 18:15:01.503 [INFO] x - fetch complete: 15/15 successful, total time: 0.001s",)


def end_early(samples: Samples) -> None:
    samples.run = replace(samples.run, ended=at(SECONDS * 2))


SPOILED: dict[str, tuple[Callable[[Samples], None], str]] = {
    "one process ran through the window": (restart, "2 instances"),
    "its uptime grows with the window": (_put(uptime_s=3_600.0), "grew by"),
    "no cycle fails": (_put("cycle", failures=2, last_error="KeyError"), "2 failed: KeyError"),
    "cycles come as often as configured": (_put("cycle", interval_configured=5.0), "configured are 5 s"),
    "cycles × interval fill the window": (stand_still, "cycles were due"),
    "as many cycles are counted as were due": (stand_still, "59.7 were due every 10 s"),
    "it is healthy by its own word": (
        _answers(HEALTH, status=503, body={"status": "unhealthy", "reasons": ["no topic"], "last_cycle_age_s": 1.0}),
        "no topic",
    ),
    "every watched symbol is fetched and scored": (_put("universe", failed={"XUSDT": "no bars"}), "XUSDT: no bars"),
    "no error is logged": (log_error, "error × 1"),
    "every documented route answers": (_answers(OVERVIEW, status=404), "/api/market/overview (404, 3 of 20 times)"),
    "every route answers within a second": (_answers(OVERVIEW, took_ms=1_500.0), "/api/market/overview"),
    "times of /api/market/overview move": (stop_publishing, "1 distinct"),
    "times of /api/market/overview lie in the window": (stop_publishing, "0 of 20"),
    "every time says its zone": (tell_no_zone, "naive"),
    "/api/market/overview is fresh whenever it is asked for": (freeze_overview, "at most 4m32s old"),
    "something is watched": (watch_nothing, "0 symbols"),
    "no feed is away for longer than 15 s": (_feed(data_quality="stale"), "orderbook.50.BTCUSDT was stale for"),
    "no topic is mute": (_feed(mute=True), "orderbook.50.BTCUSDT"),
    "frames can be believed": (_feed(refusals={"ts: too late": 900}), "ts: too late × 900"),
    "frames come in time": (_feed(data_quality="delayed", lag_ms=3_000.0), "3,000 ms"),
    "the universe is not empty": (_put("universe", empty="the list is empty"), "the list is empty"),
    "no book is crossed": (cross_book, "BTCUSDT at"),
    "the exchange answers": (_exchange("/v5", status=403, body=None), "banned"),
    "the exchange answers in time": (_exchange("/v5", took_ms=3_000.0), "slowest 3,000 ms"),
    "the exchange's clock goes on": (freeze_clock, "stood still"),
    "the exchange's clock does not jump": (set_clock, "5,000 ms"),
    "the deployment knows the exchange's clock": (_put("exchange", clock_offset_ms=-9e3), "differs by"),
    "what is called live is the exchange's price": (shift_prices, "BTCUSDT in 120 of 120"),
    "prices move when the exchange's move": (freeze_prices, "price of BTCUSDT stood for"),
    "the exchange serves": (_put("exchange", maintenance="503"), "maintenance: 503"),
    "the exchange takes requests": (_put("rate_budget", banned_until=at(900)), "banned until"),
    "the origin that it states is what the exchange announces": (_exchange("/v5", source="replay"), "replay"),
    "closes of all symbols go on": (stop_closes, "SOLUSDT fell"),
    "it reports nothing wrong with itself": (report_trouble, "stale_feed at"),
    "every incident is judged by the stages": (
        _answers(PIPELINE, body={"fired": 5, "stages": [{"stage": "inhibit", "passed": 3, "withheld": 1}]}), "judged 4",
    ),
    "every channel is up": (_channel(state="down", error="404"), "console was down: 404"),
    "no message is given up": (_channel(counters={"sent": 3, "dead": 2}), "console will never take 2"),
    "no store lost anything": (_put("stores", database={"state": "up", "dropped": 7}), "database dropped 7"),
    "every store is up": (_put("stores", database={"state": "down", "error": "gone"}), "database was up, down"),
    "every task runs": (_put("tasks", outbox="died: KeyError"), "outbox died"),
    "one monitor runs": (start_another, "2 monitors at once"),
    "every process belongs to a unit": (start_by_hand, "without one: web (pid 9)"),
    "the holder of the lease is the monitor that runs": (_put("stores", lease={"holder": "host:6"}), "held by pid 6"),
    "memory is told in the unit in which it is measured": (_put(memory_mb=160e6), "160 MB"),
    "no cache is open to all": (open_cache, "memcached on 0.0.0.0:11211"),
    "memory does not grow without end": (leak, "120 MB an hour"),
    "fetches are physically possible": (log_quick_fetches, "15 fetches in 0.001 s"),
    "documents agree on how many symbols there are": (_put("universe", size=15), "15 are watched"),
    "what was reloaded is in force": (_put(needs_restart=["web.port"]), "web.port"),
}  # fmt: skip


@pytest.mark.parametrize("test", SPOILED)
def test_what_is_wrong_fails_by_name(test: str) -> None:
    spoil, said = SPOILED[test]
    samples = fine()
    spoil(samples)
    report = judged(samples)
    assert said in told(report, Verdict.FAIL)[test]
    assert not report.passed


@pytest.mark.parametrize(
    ("fired", "resolved_at", "held"),
    [(-900, None, True), (-900, at(5), True), (-900, at(-5), False), (60, at(80), True), (SECONDS + 5, None, False)],
)
def test_an_incident_is_of_the_window_in_which_it_holds(fired: int, resolved_at: str | None, held: bool) -> None:
    samples = fine()
    resolved = {"resolved": resolved_at is not None, "resolved_at": resolved_at}
    samples.incidents["1"] = TROUBLE | {"timestamp": at(fired)} | resolved
    assert ("it reports nothing wrong with itself" in failed(samples)) == held


def test_of_many_incidents_one_of_each_kind_is_named() -> None:
    samples = fine()
    for number in range(20):
        samples.incidents[str(number)] = TROUBLE | {"timestamp": at(number), "message": f"feed {number}"}
    samples.incidents["last"] = TROUBLE | {"timestamp": at(30), "alert_type": "exchange_clock"}
    said = told(judged(samples), Verdict.FAIL)["it reports nothing wrong with itself"]
    assert "exchange_clock at" in said
    assert "stale_feed at" in said
    assert said.endswith("and 13 more")


def test_a_channel_that_is_asked_to_wait_is_not_down() -> None:
    samples = fine()
    _channel(state="limited")(samples)
    report = judged(samples)
    assert told(report, Verdict.FAIL) == {}
    assert told(report, Verdict.OBSERVED)["every channel sends at once"].endswith("console in 3 of 20 samples")


def test_what_a_store_dropped_before_the_window_is_said_and_fails_nothing() -> None:
    samples = fine()
    for one in samples.status:
        one.body["stores"]["database"]["dropped"] = 7
    report = judged(samples)
    assert told(report, Verdict.FAIL) == {}
    assert "before it: database 7" in told(report, Verdict.PASS)["no store lost anything"]


def test_a_feed_that_is_away_again_and_again_is_away_for_as_long_as_the_longest_time() -> None:
    samples = fine()
    for one in samples.status[::4]:  # for 3 s each time, and 150 s in all
        one.body["feeds"][FEED[0]] = feed(SECONDS, data_quality="stale")
    report = judged(samples)
    assert "no feed is away for longer than 15 s" in told(report, Verdict.PASS)
    assert "orderbook.50.BTCUSDT stale for 3 s" in told(report, Verdict.OBSERVED)["feeds are live throughout"]


def test_a_counter_that_begins_anew_goes_on_rising() -> None:
    assert rises([]) is None
    assert rises([7]) is None
    assert rises([7, 9, 1, 4]) == 6
    assert rises_by_name([{"a": 1}, {"a": 2, "b": 3}, {"b": 1}]) == {"a": 1, "b": 4}


@pytest.mark.parametrize(("role", "listed"), [(None, 2), ("web", 1), ("monitor", 1)])
def test_processes_that_are_stated_are_those_of_the_role_or_all(role: str | None, listed: int) -> None:
    samples = fine()
    web = ProcessItem(pid=9, name="virtuoso", role="web")
    samples.processes = [replace(each, processes=(*each.processes, web)) for each in samples.processes]
    samples.statement = Statement(source="somebody", processes=2, role=role)
    found = failed(samples)
    counted = found.get(f"somebody: as many processes are listed as are counted ({role or 'any'})")
    assert (counted is None) == (listed == 2)
    assert ("somebody: one monitor runs" in found) == (role == "monitor")


def test_a_close_that_comes_late_is_named() -> None:
    samples = fine()
    miss_one_close(samples)
    assert "SOLUSDT fell 1m" in failed(samples)["closes of all symbols go on"]


def test_a_window_that_was_ended_early_is_partial_and_does_not_pass() -> None:
    samples = fine()
    samples.run = replace(samples.run, partial=True)
    report = judged(samples)
    assert not report.passed
    assert report.decision.startswith("PARTIAL")
    assert told(report, Verdict.FAIL) == {}


def test_drift_from_the_files_is_named() -> None:
    samples = fine()
    samples.run = replace(samples.run, configured={"monitoring.interval": 10.0, "universe.size": 15})
    said = failed(samples)["what is in force is what the files say"]
    assert said == "universe.size: 15 in the file, 1 in force"


def test_a_key_that_the_status_does_not_tell_is_not_examined() -> None:
    samples = fine()
    samples.run = replace(samples.run, configured={"monitoring.interval": 10.0, "cache.tiers": ["memory"]})
    for one in samples.status:
        del one.body["stores"]["cache_tiers"]
    report = judged(samples)
    assert told(report, Verdict.PASS)["what is in force is what the files say"] == "1 key as in the files"
    assert "cache.tiers" in told(report, Verdict.UNKNOWN)["every key is told as it is in force"]
    samples.run = replace(samples.run, configured={"cache.tiers": ["memory"]})
    assert "what is in force is what the files say" in told(judged(samples), Verdict.UNKNOWN)


def test_a_regression_is_named_and_a_baseline_that_is_as_good_passes() -> None:
    baseline = judged(fine())
    assert failed(fine(), baseline) == {}
    samples = fine()
    samples.answers[OVERVIEW] = [replace(one, took_ms=400.0) for one in samples.answers[OVERVIEW]]
    assert "/api/market/overview" in failed(samples, baseline)["nothing became slower or larger"]
    samples = fine()
    open_cache(samples)
    assert "no cache is open to all" in failed(samples, baseline)["what held before holds"]


def test_what_held_before_and_is_not_examined_now_is_not_said_to_hold() -> None:
    baseline = judged(fine())
    assert "what held before holds" in told(judged(fine(), baseline), Verdict.PASS)
    samples = fine()
    samples.processes = []
    said = told(judged(samples, baseline), Verdict.UNKNOWN)["what held before holds"]
    assert "not examined now: one monitor runs" in said
    assert "no cache is open to all" in said, "also what is not among the checks any more"


def test_a_report_is_read_again_as_it_was_written() -> None:
    report = judged(fine())
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_a_deployment_that_says_nothing_passes_nothing() -> None:
    samples = fine()
    samples.status, samples.processes, samples.exchange = [], [], []
    assert "cycles are completed" in failed(samples)
    assert not judged(samples).passed


def test_what_is_lost_of_the_log_passes_nothing() -> None:
    samples = fine()
    samples.files, samples.log = (SampleFile("log.txt", 1, 9, "00"),), ("2025-09-30 18:15:01.503 [INFO] a - b",)
    assert "no error is logged" in told(judged(samples), Verdict.PASS)
    for lost in (replace(samples.run, log_lines=3), replace(samples.run, log_gaps=("it was cut off",))):
        report = judged(replace_run(samples, lost))
        assert "nobody can tell of the others" in told(report, Verdict.UNKNOWN)["no error is logged"]
        assert "the whole log of the window was read" in told(report, Verdict.OBSERVED)
    samples.log = ()
    assert told(judged(samples), Verdict.UNKNOWN)["no error is logged"] == "it was cut off"


def replace_run(samples: Samples, run: Run) -> Samples:
    samples.run = run
    return samples


def test_a_cache_of_another_user_is_not_called_closed() -> None:
    samples = fine()
    cache = ProcessItem(pid=9, name="redis-server", role="redis", listens=None)
    samples.processes = [replace(each, processes=(*each.processes, cache)) for each in samples.processes]
    assert "redis (pid 9)" in told(judged(samples), Verdict.UNKNOWN)["no cache is open to all"]


def test_a_machine_without_time_is_noticed() -> None:
    samples = fine()
    busy = Machine(processors=2, load=9.0, memory_pct=40.0)
    samples.processes = [replace(each, machine=busy) for each in samples.processes]
    assert "load 9 on the mean" in told(judged(samples), Verdict.OBSERVED)["the machine has time for it"]


def test_a_status_that_stops_is_not_a_shorter_window() -> None:
    samples = fine()
    samples.status = samples.status[: len(samples.status) // 2]
    assert "10m are stated" in failed(samples)["the window is as long as stated"]


_SHORT = 40
GARBAGE: tuple[Any, ...] = (None, -1, "x", [], {}, [1], {"a": 1}, True)


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_answers_of_another_form_fail_and_raise_nothing(garbage: Any) -> None:
    """Each part of each document is put in place of by something that does not belong there."""
    for name in (*status(1), "whole"):
        samples = fine(_SHORT)
        for sample in samples.status:
            if name != "whole":
                sample.body[name] = garbage
        if name == "whole":
            samples.status = [replace(sample, body=garbage) for sample in samples.status]
        judged(samples)
    for path in fine(_SHORT).answers:
        samples = fine(_SHORT)
        samples.answers[path] = [replace(one, body=garbage) for one in samples.answers[path]]
        judged(samples)
    samples = fine(_SHORT)
    samples.exchange = [replace(one, body=garbage) for one in samples.exchange]
    samples.prices = [replace(one, body=garbage) for one in samples.prices]
    samples.books = [replace(one, body=garbage) for one in samples.books]
    assert not judged(samples).passed
