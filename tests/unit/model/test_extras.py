"""What is missing is said in one line with the cure; what does not need it, goes without."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from virtuoso.model.errors import UsageError
from virtuoso.model.installed.extras import EXTRAS, _cure, need

WITHOUT = """
import importlib, json, os, pkgutil, sys
sys.modules.update(dict.fromkeys({packages}))
import virtuoso
failed, names = set(), [module.name for module in pkgutil.walk_packages(virtuoso.__path__, "virtuoso.")]
for name in names:
    if name.endswith("__main__") or ".migrations" in name:  # programs, and scripts of alembic's
        continue
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        failed.add(".".join(name.split(".")[:3]))
print(json.dumps([len(names), sorted(failed)]), flush=True)
for line in sys.stdin:
    folder, sys.argv[1:] = json.loads(line)
    if not (pid := os.fork()):
        os.chdir(folder)
        os.dup2(os.open("stderr", os.O_CREAT | os.O_WRONLY, 0o600), 2)
        os.dup2(2, 1)
        sys.argv[0] = "virtuoso"
        importlib.import_module("virtuoso.cli").main()
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
"""A program that finds none of the packages, as if they were not installed: it loads all else, then runs commands."""


class Without:
    """It: how many modules there are, which could not be loaded, and a process of its own for each command."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asked, self._told = process.stdin, process.stdout
        self.modules, self.failed = json.loads(self._told.readline())

    def run(self, folder: Path, *arguments: str) -> tuple[int, str]:
        """The exit code of a command in a folder, and what it said."""
        print(json.dumps([str(folder), arguments]), file=self._asked, flush=True)
        return int(self._told.readline()), (folder / "stderr").read_text()


@pytest.fixture(scope="module")
def without() -> Iterator[Without]:
    code = WITHOUT.replace("{packages}", repr(sorted({*EXTRAS.values(), "scipy", "sklearn", "statsmodels"})))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Without(process)


def test_what_is_installed_is_not_refused() -> None:
    for extra in EXTRAS:
        need(extra, "this")


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_cure_fits_where_it_runs(root: Path, tmp_path: Path, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _cure(extra, root) == f"run: make install EXTRAS={extra}"
    assert f".whl[{extra}]" in _cure(extra, tmp_path), "a wheel has no Makefile"
    monkeypatch.setitem(sys.modules, EXTRAS[extra], None)
    with pytest.raises(UsageError) as caught:
        need(extra, "timeseries.archive = true")
    assert str(caught.value).startswith(f"timeseries.archive = true: needs {EXTRAS[extra]}, which is not installed; ")


def test_extras_are_those_of_the_distribution_and_of_the_makefile(root: Path) -> None:
    import tomllib

    offered = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(offered) - {"dev", "build"} == set(EXTRAS)
    for extra, package in EXTRAS.items():
        package = package.replace(".", "-")
        assert f"\n{package}==" in "\n" + (root / f"requirements-{extra}.lock").read_text()
        assert f"\n{package}==" not in (root / "requirements.lock").read_text()
    (known,) = [line for line in (root / "Makefile").read_text().splitlines() if line.startswith("KNOWN_EXTRAS := ")]
    assert set(known.partition(" := ")[2].split()) == set(EXTRAS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["backtest", "bars.csv"],
            "virtuoso backtest (files of CSV too): needs pyarrow, which is not installed; run: make",
        ),
        (["export", "bars", "-o", "x.parquet"], "--out x.parquet: needs pyarrow, which is not installed; run: make"),
        (
            ["config", "check", "-c", "traced.yaml"],
            "monitoring.traces.endpoint: needs opentelemetry.sdk, which is not installed",
        ),
        (["up", "-c", "archive.yaml"], "timeseries.archive = true: needs pyarrow, which is not installed; run: make"),
        *(
            (
                [*command, "-c", "server.yaml"],
                "database.url = postgresql://…: needs psycopg, which is not installed; run: make",
            )
            for command in (["up"], ["monitor"], ["web"], ["web", "--workers", "2"], ["config", "check"])
        ),
        (
            ["analyze", "BTCUSDT", "-c", "okx.yaml"],
            "exchange.name = okx: needs ccxt, which is not installed; run: make",
        ),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else "",
)
def test_what_needs_an_extra_says_so_in_one_line(
    without: Without, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "archive.yaml").write_text("timeseries: {archive: true}\nweb: {port: 0}\n")
    (tmp_path / "server.yaml").write_text(
        "database: {url: 'postgresql://u:secret@127.0.0.1:1/x'}\ncache: {tiers: [redis]}\nweb: {port: 0}\n"
    )
    (tmp_path / "traced.yaml").write_text("monitoring: {traces: {endpoint: 'http://localhost:4318/v1/traces'}}\n")
    (tmp_path / "okx.yaml").write_text("exchange: {name: okx}\n")
    code, told = without.run(tmp_path, *arguments)
    assert (code, told.count("\n")) == (2, 1), told
    assert told.startswith(f"virtuoso: {said}")


def test_everything_else_is_loaded_without(without: Without) -> None:
    """All modules but those of the extras: none imports another's package before it is used."""
    assert without.modules > 300
    assert without.failed == [
        "virtuoso.cli.backtest",
        "virtuoso.cli.research",
        "virtuoso.cli.research_plan",
        "virtuoso.cli.research_track_record",
        "virtuoso.cli.research_weights",
        "virtuoso.monitor.cycle",
        "virtuoso.research.bar_files",
        "virtuoso.research.output",
        "virtuoso.research.run",
        "virtuoso.research.sampling",
        "virtuoso.research.timeline",
        "virtuoso.research.track_record",
        "virtuoso.research.weighing",
    ]
