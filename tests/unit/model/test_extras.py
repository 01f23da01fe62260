"""What is missing is said in one line with the cure; what does not need it, goes without."""

import subprocess
import sys
from pathlib import Path

import pytest

from virtuoso.model.errors import UsageError
from virtuoso.model.installed.extras import EXTRAS, _cure, need

WITHOUT = "import sys; sys.modules.update(dict.fromkeys({packages}));"
"""Ahead of a program: it finds none of the packages, as if they were not installed."""


def run(program: str, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    code = WITHOUT.format(packages=sorted({*EXTRAS.values(), "scipy", "sklearn", "statsmodels"})) + program
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, timeout=60, check=False
    )


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
def test_what_needs_an_extra_says_so_in_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "archive.yaml").write_text("timeseries: {archive: true}\nweb: {port: 0}\n")
    (tmp_path / "server.yaml").write_text(
        "database: {url: 'postgresql://u:secret@127.0.0.1:1/x'}\ncache: {tiers: [redis]}\nweb: {port: 0}\n"
    )
    (tmp_path / "traced.yaml").write_text("monitoring: {traces: {endpoint: 'http://localhost:4318/v1/traces'}}\n")
    (tmp_path / "okx.yaml").write_text("exchange: {name: okx}\n")
    done = run("from virtuoso.cli import main; sys.argv[0] = 'virtuoso'; main()", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(f"virtuoso: {said}")


def test_everything_else_is_loaded_without(tmp_path: Path) -> None:
    """All modules but those of the extras: none imports another's package before it is used."""
    program = """
import importlib, pkgutil, virtuoso
failed, names = set(), [module.name for module in pkgutil.walk_packages(virtuoso.__path__, "virtuoso.")]
for name in names:
    if name.endswith("__main__") or ".migrations" in name:  # programs, and scripts of alembic's
        continue
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        failed.add(".".join(name.split(".")[:3]))
print(len(names), *sorted(failed))
"""
    done = run(program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    count, *failed = done.stdout.split()
    assert int(count) > 300
    assert failed == [
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
