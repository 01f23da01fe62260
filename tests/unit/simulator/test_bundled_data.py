"""What is bundled, and whose it is: package and notice name each other; nothing under a copyleft licence ships."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from tests.support.capture import CAPTURE

from virtuoso.model.errors import UsageError
from virtuoso.simulator.capture_file import read_capture
from virtuoso.simulator.instruments import instrument_item, table
from virtuoso.simulator.sources import open_source

FOLDER = Path(str(files("virtuoso.simulator"))) / "data"


def test_the_notice_names_every_file_and_no_other() -> None:
    notice = (FOLDER / "NOTICE.md").read_text("utf-8")
    named = {name for line in re.findall(r"^## (.+)$", notice, re.MULTILINE) for name in line.split(", ")}
    assert named == {path.name for path in FOLDER.iterdir()} - {"NOTICE.md"}


def test_nothing_in_the_package_is_a_capture_or_under_its_licence(root: Path) -> None:
    """The capture's repository is under the AGPL at that commit: it stays with the tests, its licence beside it."""
    package = root / "src"
    assert not list(package.rglob("*.jsonl*"))
    assert "AFFERO" not in (FOLDER / "NOTICE.md").read_text("utf-8").upper()
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in (CAPTURE.parent / "LICENSE").read_text("utf-8")
    assert "https://github.com/bmoscon/cryptofeed" in (CAPTURE.parent / "NOTICE.md").read_text("utf-8")


def test_every_folder_of_test_data_says_whose_it_is(root: Path) -> None:
    for folder in (path for path in (root / "tests" / "data").iterdir() if path.is_dir()):
        assert {"NOTICE.md", "LICENSE", "README.md", "SOURCES.md"} & {path.name for path in folder.iterdir()}, folder


def test_instruments_are_plain_facts() -> None:
    facts = table()
    assert len(facts) == 701
    assert facts["BTCUSDT"].tick_size == "0.10"
    assert facts["BTCUSDT"].launch_ms == "1584230400000"
    row = instrument_item(facts["SOLUSDT"])
    assert row["priceFilter"] == {"minPrice": "0.010", "maxPrice": "199999.980", "tickSize": "0.010"}
    assert row["lotSizeFilter"]["qtyStep"] == "0.1"
    assert row["fundingInterval"] == 480


def test_rows_have_the_shape_of_the_exchanges_own() -> None:
    real = {row["symbol"]: row for row in read_capture(CAPTURE).instruments["linear"]}
    for symbol in ("BTCUSDT", "DOGEUSDT"):
        ours = instrument_item(table()[symbol])
        assert ours.keys() == real[symbol].keys()
        assert {k: type(v) for k, v in ours.items()} == {k: type(v) for k, v in real[symbol].items()}
        for name in ("priceFilter", "lotSizeFilter", "riskParameters", "leverageFilter"):
            assert ours[name].keys() == real[symbol][name].keys()
        for name in ("baseCoin", "quoteCoin", "settleCoin", "launchTime", "fundingInterval", "upperFundingRate"):
            assert ours[name] == real[symbol][name]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no line holds a frame"),
        (b'{"t":"header"}\n', "no line holds a frame"),
        (b'{"t":"recv","conn":"a","ts":1.5,"data":"{}"}\nnonsense\n', ":2: not a line of a raw capture"),
        (b"\x28\xb5\x2f\xfdnot packed at all", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"t":"http","data":"[]"}\n', ":1: not a line of a raw capture"),
    ],
)
def test_a_file_that_is_no_capture_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        read_capture(path)
    assert "\n" not in str(caught.value)


def test_a_capture_must_be_named() -> None:
    with pytest.raises(ValueError, match="name it"):
        open_source("capture", 1, 0)


def test_a_missing_capture_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.jsonl"):
        read_capture(tmp_path / "gone.jsonl")
