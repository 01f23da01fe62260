"""What `deploy/` holds: checked as far as it can be without containers; the plain recipe, run as its users run it."""

import configparser
import importlib.util
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import typer
import yaml
from tests.support import warm
from tests.support.exchange import Running, running_exchange
from tests.support.program import command
from tests.support.servers import free_port
from tests.support.services import ask, running_site, started, until, url_of, write_settings

from virtuoso.cli import app
from virtuoso.config import load
from virtuoso.model.errors import ConfigError

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECRETS = {"VIRTUOSO_TOKEN": "a-token-of-some-length", "INFLUX_PASSWORD": "secret"}
WEBHOOKS = ("DISCORD_WEBHOOK_URL", "SYSTEM_ALERTS_WEBHOOK_URL", "HEARTBEAT_URL")
RUN_LOCAL = (DEPLOY / "run-local.sh").read_text()
CONFIG = DEPLOY / "config/virtuoso.yaml"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SERVING = [path for path in UNITS if path.stem != "virtuoso-validate"]
"""Those that go on; the other one ends with its report."""


def composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


SERVICES: dict[str, dict[str, Any]] = composed()["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "virtuoso"}


def parse(line: list[str]) -> None:
    """Read a command line as the program does, and run nothing."""
    group: Any = typer.main.get_command(app)
    name, subcommand, rest = group.resolve_command(group.make_context("virtuoso", list(line)), list(line))
    subcommand.make_context(name, rest)


def unit(path: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read(path)
    return found


def test_what_the_issue_asks_for_is_composed() -> None:
    assert set(SERVICES) == {"monitor", "web", "redis", "memcached", "influxdb", "grafana"}
    assert SERVICES["web"]["command"][-2:] == ["--workers", "2"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["restart"] == "unless-stopped"
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])
    assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "network_mode" not in service
    assert not service.get("privileged", False)
    assert service["cap_drop"] == ["ALL"]


def test_only_web_and_grafana_can_be_reached_and_the_stores_reach_nothing() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web", "grafana"}
    assert composed()["networks"]["stores"] == {"internal": True}
    for store in ("redis", "memcached", "influxdb"):
        assert SERVICES[store]["networks"] == ["stores"]


def test_no_secret_stands_in_a_file() -> None:
    secrets = [
        (name, key, value)
        for name, service in SERVICES.items()
        for key, value in service.get("environment", {}).items()
        if re.search("TOKEN|PASSWORD|SECRET", key)
    ]
    assert len(secrets) >= 8
    for name, key, value in secrets:
        assert re.fullmatch(r"\$\{\w+:\?.+\}", value), (name, key)
    for service in OURS.values():
        assert set(service["environment"]) == {*SECRETS, *WEBHOOKS}
        assert all(service["environment"][name] == f"${{{name}:-}}" for name in WEBHOOKS), "none is needed"


def test_redis_keeps_nothing_and_refuses_when_it_is_full() -> None:
    line = SERVICES["redis"]["command"]
    options = dict(zip(line[1::2], line[2::2], strict=True))
    assert options["--save"] == ""
    assert options["--appendonly"] == "no"
    assert options["--maxmemory-policy"] == "noeviction"
    assert int(options["--maxmemory"].removesuffix("mb")) < int(SERVICES["redis"]["mem_limit"].removesuffix("m"))


@pytest.mark.parametrize("name", OURS)
def test_the_configuration_is_mounted_and_not_part_of_the_image(name: str) -> None:
    source, target, mode = OURS[name]["volumes"][1].split(":")
    assert (target, mode) == ("/etc/virtuoso", "ro")
    assert (DEPLOY / source / "virtuoso.yaml") == CONFIG, "a folder: an editor gives a file another inode"
    line = OURS[name]["command"]
    assert line[line.index("-c") + 1] == f"{target}/virtuoso.yaml"
    assert "virtuoso.yaml" not in (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize("name", OURS)
def test_the_command_lines_of_the_containers_parse(name: str) -> None:
    parse(OURS[name]["command"])


def test_a_command_line_that_is_wrong_does_not_parse() -> None:
    with pytest.raises(Exception, match="wrkers"):
        parse(["web", "--wrkers", "2"])


def test_the_command_lines_of_the_plain_recipes_parse() -> None:
    script = re.findall(r'keep (\w+) "\$bin/virtuoso" (.*) &', RUN_LOCAL)
    assert [name for name, _ in script] == ["monitor", "web"]
    for _, rest in script:
        parse(shlex.split(rest.replace('"${config[@]}"', "-c file.yaml")))
    assert len(SERVING) == 2
    for path in SERVING:
        program, *rest = shlex.split(unit(path)["Service"]["ExecStart"])
        assert program.endswith("/.venv/bin/virtuoso")
        parse(rest)


def test_the_configuration_of_the_containers_is_right(tmp_path: Path) -> None:
    environment = {**os.environ, **SECRETS}
    line = command("config", "check", "-c", str(CONFIG))
    done = warm.run(line, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    settings = load([CONFIG], SECRETS)
    assert settings.cache.tiers == ("memory", "memcached", "redis")
    stores = (settings.cache.redis_url.get_secret_value(), settings.cache.memcached, settings.timeseries.influx.url)
    for address, name in zip(stores, ("redis", "memcached", "influxdb"), strict=True):
        assert re.search(rf"(^|//){name}:\d+", address)
    assert SERVICES["influxdb"]["environment"]["INFLUXDB_DB"] == settings.timeseries.influx.database
    assert SERVICES["influxdb"]["environment"]["INFLUXDB_USER"] == settings.timeseries.influx.username
    assert SERVICES["web"]["ports"] == [f"127.0.0.1:{settings.web.port}:{settings.web.port}"]
    assert str(settings.data_dir) == "/data"
    with pytest.raises(ConfigError, match="INFLUX_PASSWORD"):
        load([CONFIG], {"VIRTUOSO_TOKEN": "a-token-of-some-length"})


def test_the_image_is_made_of_what_is_there_as_the_makefile_installs() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    copied = [line for line in lines if line.startswith("COPY ") and "--from=" not in line]
    sources = [source for line in copied for source in line.split()[1:-1]]
    assert len(sources) >= 8
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source
    made = (ROOT / "Makefile").read_text().partition("$(VENV)/.installed: ")[2].partition("@touch")[0]
    installs = re.findall(r"\$\(BIN\)/(pip install .*)", made)
    assert len(installs) == 2
    image = re.sub(r" +", " ", "\n".join(lines))
    for install in installs:
        assert f".venv/bin/{install}" in image, install
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001"]


def test_grafana_finds_its_dashboards_and_its_data() -> None:
    grafana = SERVICES["grafana"]
    for mount in grafana["volumes"][:2]:
        source, target, mode = mount.split(":")
        assert (DEPLOY / source).is_dir(), source
        assert target == f"/etc/{source.removeprefix('./')}"
        assert mode == "ro"
    source = (DEPLOY / "grafana/provisioning/datasources/virtuoso.yaml").read_text()
    settings = yaml.safe_load(source)["datasources"][0]
    wanted = set(re.findall(r"\$(\w+)", yaml.safe_dump(settings)))
    assert wanted
    assert wanted <= set(grafana["environment"])
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/virtuoso.yaml").read_text())["providers"][0]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_a_validation_is_due_each_week_and_its_command_line_parses() -> None:
    shell, flag, line = shlex.split(unit(DEPLOY / "systemd/virtuoso-validate.service")["Service"]["ExecStart"])
    assert (shell, flag) == ("/bin/sh", "-c")
    exec_, program, *rest = shlex.split(line)
    assert (exec_, Path(program).name) == ("exec", "virtuoso")
    parse(rest)
    due = unit(DEPLOY / "systemd/virtuoso-validate.timer")["Timer"]["OnCalendar"]
    assert analyze("calendar", due).returncode == 0


@pytest.mark.parametrize("path", SERVING, ids=lambda path: path.name)
def test_the_units_are_bounded_and_confined(path: Path) -> None:
    found = unit(path)
    service = found["Service"]
    assert re.fullmatch(r"\d+[MG]", service["MemoryMax"])
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"
    assert int(found["Unit"]["StartLimitBurst"]) > 0
    assert service["User"] == "virtuoso"
    assert service["ProtectSystem"] == "strict"
    assert service["Type"] == "notify"
    assert 0 < int(service["WatchdogSec"]) <= 90
    assert path.name in unit(DEPLOY / "systemd/virtuoso.target")["Unit"]["Wants"].split()


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units_and_finds_them_confined(path: Path, tmp_path: Path) -> None:
    """`verify` wants what is started to be there: a copy starts something that is."""
    copy = tmp_path / path.name
    copy.write_text(re.sub(r"/opt/virtuoso/\S+", "/bin/true", path.read_text()))
    shutil.copy(DEPLOY / "systemd/virtuoso.target", tmp_path)
    taken = analyze("verify", "--man=no", str(copy))
    assert (taken.returncode, taken.stdout + taken.stderr) == (0, "")
    found = analyze("security", "--offline=true", "--no-pager", "--threshold=25", str(path))
    assert found.returncode == 0, found.stdout.splitlines()[-1]
    assert re.search(r"exposure level for \S+: [012]\.\d", found.stdout)


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """What systemd says of units, which it needs not run for."""
    tool = shutil.which("systemd-analyze")
    assert tool is not None, "systemd-analyze is not installed; `make test` installs what the tests need"
    return subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60, check=False)


def healthy(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> bool:
    """What the health check says; in this process, for it takes seconds to load."""
    spec = importlib.util.spec_from_file_location("healthy", DEPLOY / "healthy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["healthy.py", *arguments])
    return bool(module.main() == 0)


@pytest.mark.slow
def test_the_health_checks_tell_who_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUOSO_TOKEN", "a-token-of-some-length")
    with running_site(tmp_path, web="{port: 0, token: a-token-of-some-length}") as site:
        monitor, web, config = site.monitor(), site.web(), str(site.config)
        assert not healthy(monkeypatch, "monitor", config)
        with started(monitor, web):
            until("the monitor is well", lambda: healthy(monkeypatch, "monitor", config))
            url = url_of(web)
            until("the web is well", lambda: healthy(monkeypatch, "web", url))
            monitor.kill()
            until("the monitor is not well", lambda: not healthy(monkeypatch, "monitor", config), 90)
            assert healthy(monkeypatch, "web", url)
            web.kill()
            assert not healthy(monkeypatch, "web", url)
            assert not healthy(monkeypatch, "wed", url)


def run_local(folder: Path, **variables: str) -> subprocess.Popen[str]:
    with (folder / "err").open("w") as errors:
        return subprocess.Popen(
            ["/usr/bin/env", "--default-signal=INT,HUP", "/bin/bash", str(DEPLOY / "run-local.sh")],
            cwd=folder, env={**os.environ, **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True,
        )  # fmt: skip


def ended(recipe: subprocess.Popen[str]) -> int:
    """The exit code; a recipe that was told to stop and does not is told again, and the test fails."""
    try:
        return recipe.wait(40)
    except subprocess.TimeoutExpired:
        recipe.terminate()
        recipe.wait(40)
        raise
    finally:
        if recipe.stdout is not None:
            recipe.stdout.close()


def refusal(folder: Path, **variables: str) -> tuple[int, str]:
    with run_local(folder, **variables) as process:
        code = process.wait(60)
    return code, (folder / "err").read_text()


def test_the_plain_recipe_names_the_servers_that_are_missing(tmp_path: Path) -> None:
    for tool in ("dirname", "redis-server"):
        found = shutil.which(tool)
        assert found is not None, f"{tool} is not installed; `make test` installs what the tests need"
        (tmp_path / tool).symlink_to(found)
    code, said = refusal(tmp_path, PATH=str(tmp_path))
    assert code == 2
    assert said == (
        "run-local: missing servers; run: sudo apt-get install -y --no-install-recommends memcached influxdb\n"
    )


def test_the_plain_recipe_tells_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("universe: {sise: 3}\n")
    code, said = refusal(tmp_path, CONFIG="mine.yaml")
    assert code == 2
    assert said == "virtuoso: mine.yaml:1: universe.sise = 3: unknown key; did you mean universe.size?\n"


def first_named(name: str, processes: Iterable[psutil.Process]) -> psutil.Process:
    """The oldest of a name: a server's own children, which save its data, come and go."""
    found = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.name() == name:
                found[process.create_time()] = process
    return found[min(found)]


def first_with(line: str, processes: Iterable[psutil.Process]) -> psutil.Process:
    """The one whose command line holds this text, which is not what keeps it."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found = " ".join(process.cmdline())
            if line in found and "keep.py" not in found:
                return process
    raise AssertionError(f"{line} does not run")


def living(family: dict[int, psutil.Process]) -> list[psutil.Process]:
    return [p for p in family.values() if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def exchange() -> Iterator[Running]:
    with running_exchange() as running:
        yield running


@pytest.mark.slow
def test_the_plain_recipe_runs_both_services_on_real_stores_and_leaves_nothing(
    tmp_path: Path, exchange: Running
) -> None:
    config, port = write_settings(tmp_path, exchange), free_port()
    recipe = run_local(tmp_path, PORT=str(port), DATA="kept", CONFIG=str(config))
    family: dict[int, psutil.Process] = {}

    def states() -> dict[str, str]:
        family.update((child.pid, child) for child in psutil.Process(recipe.pid).children(recursive=True))
        stores = ask(f"http://127.0.0.1:{port}/api/monitoring/status")[1].get("stores", {})
        return {name: store["state"] for name, store in stores.items() if isinstance(store, dict) and "state" in store}

    wanted = dict.fromkeys(("memory", "redis", "memcached", "influx", "database"), "up")
    try:
        until("every store is up", lambda: states() == wanted, 60)
        assert recipe.stdout is not None
        assert f"http://127.0.0.1:{port}" in recipe.stdout.readline()
        for name in ("redis-server", "influxd"):
            server = first_named(name, living(family))
            server.kill()
        until("killed stores are started again", lambda: (tmp_path / "err").read_text().count("started again") == 2)
        until("every store is up again", lambda: states() == wanted, 60)
        hung = [first_with(command, living(family)) for command in ("virtuoso monitor", "virtuoso web")]
        for process in hung:
            process.suspend()
        until("what hung is started again", lambda: all(not process.is_running() for process in hung), 60)
        until("both serve again", lambda: ask(f"http://127.0.0.1:{port}/health")[0] == 200, 60)
        assert (tmp_path / "err").read_text().count("was silent for 15 s and is killed") == 2
    finally:
        recipe.send_signal(signal.SIGTERM)
        code = ended(recipe)
    assert code == 0
    assert len(family) >= 10
    assert living(family) == []
    assert (tmp_path / "kept/virtuoso/virtuoso.sqlite").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_the_plain_recipe_ends_with_its_terminal(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, and a terminal that is closed, tell the script and all its helpers at once."""
    config = tmp_path / "mine.yaml"
    config.write_text("exchange: {rest_url: 'http://127.0.0.1:9', stream_url: 'ws://127.0.0.1:9'}\n")
    recipe = run_local(tmp_path, PORT=str(free_port()), CONFIG=str(config))
    family: list[psutil.Process] = []
    try:
        assert recipe.stdout is not None
        assert "Ctrl-C stops" in recipe.stdout.readline()
        family = psutil.Process(recipe.pid).children(recursive=True)
        assert len(family) >= 10
    finally:
        os.killpg(recipe.pid, number)
        code = ended(recipe)
    assert code == 0
    assert living({process.pid: process for process in family}) == []
