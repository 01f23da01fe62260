"""`virtuoso doctor`: what is well is said to be, what is not is named with what mends it."""

import json
import os
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.exchange import Running, running_exchange
from tests.support.program import command, settings_for
from tests.support.servers import memcached_server, redis_server

from virtuoso.config import Settings
from virtuoso.config.loading import load, read
from virtuoso.model.clock import SystemClock
from virtuoso.model.text.token_hash import hash_of
from virtuoso.processes.checking import doctor, exposure, machine
from virtuoso.processes.checking.finding import Finding, State

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with running_exchange() as running:
        yield running


async def examined(config: Path, *, connect: bool = False) -> dict[str, list[Finding]]:
    """The findings, by what was looked at."""
    found: dict[str, list[Finding]] = {}
    for finding in await doctor.examine(read([config], {}), SystemClock(), connect=connect):
        found.setdefault(finding.what, []).append(finding)
    return found


def states(found: dict[str, list[Finding]]) -> dict[str, set[State]]:
    return {what: {each.state for each in findings} for what, findings in found.items()}


async def test_a_deployment_that_is_well_is_good_in_every_line(exchange: Running, tmp_path: Path) -> None:
    with redis_server(tmp_path) as redis, memcached_server() as memcached:
        cache = f"cache: {{tiers: [memory, memcached, redis], redis_url: 'redis://{redis.address}/0',"
        config = settings_for(exchange, tmp_path, f"{cache} memcached: '{memcached.address}'}}\n")
        found = await examined(config, connect=True)
    for of_the_machine in ("memory", "disk", "open files"):  # whatever this one has left
        assert len(found.pop(of_the_machine)) == 1
    assert set().union(*states(found).values()) == {State.GOOD}
    assert {"configuration", "program", "secrets", "clock", "redis", "memcached", "cache", "exchange"} < found.keys()
    assert {"port", "folders", "database", "time series", "rules", "channels", "adapter"} < found.keys()
    assert all(finding.mend is None for findings in found.values() for finding in findings)


async def test_stores_that_answer_strangers_are_named(
    exchange: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's own address stands for the one by which others reach it."""
    monkeypatch.setattr(exposure, "_own_addresses", lambda: ["127.0.0.1"])
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(tmp_path))
        memcached = stack.enter_context(memcached_server())
        cache = f"cache: {{tiers: [memory, memcached, redis], redis_url: 'redis://{redis.address}/0',"
        config = settings_for(exchange, tmp_path, f"{cache} memcached: '{memcached.address}'}}\n")
        found = await examined(config, connect=True)
    for name, server in (("redis", redis), ("memcached", memcached)):
        (finding,) = found[name]
        assert finding.state is State.BAD
        assert finding.said.startswith(f"whoever reaches {server.address} may write what the web serves")
        assert finding.mend is not None
        assert finding.mend.startswith(f"bind {name} to 127.0.0.1")


async def test_a_store_of_another_machine_is_to_be_looked_at_and_nothing_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the containers that are shipped: a network of its own needs no password."""
    monkeypatch.setattr(exposure, "is_loopback", lambda _: False)
    with memcached_server() as memcached:
        settings = Settings(data_dir=tmp_path, cache={"tiers": ["memory", "memcached"], "memcached": memcached.address})
        (finding,) = await exposure.stores(settings)
    assert (finding.what, finding.state) == ("memcached", State.WARN)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        closed = f"127.0.0.1:{silent.getsockname()[1]}"
    settings = Settings(data_dir=tmp_path, cache={"tiers": ["memory", "memcached"], "memcached": closed})
    assert [finding.state for finding in await exposure.stores(settings)] == [State.GOOD]


async def test_a_port_of_another_program_and_a_folder_of_another_user_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memcached answers no HTTP, and is shown no token."""

    def closed(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    with memcached_server() as memcached:
        config = settings_for(None, tmp_path)
        config.write_text(config.read_text().replace("port: 0", f"port: {memcached.port}, token: {TOKEN}"))
        config.chmod(0o600)
        found = await examined(config)
        monkeypatch.setattr("virtuoso.processes.checking.machine.nearest", closed)
        assert states(await examined(config))["disk"] == {State.BAD}
    assert states(found)["port"] == {State.BAD}
    assert "address already in use" in found["port"][0].said
    assert "running" not in found


async def test_a_redis_that_asks_for_a_password_is_not_open(
    exchange: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposure, "_own_addresses", lambda: ["127.0.0.1"])
    monkeypatch.setattr("tests.support.servers._talks", lambda asked, begins: lambda port: True)
    with redis_server(tmp_path, "--requirepass", "a-long-password") as redis:
        url = f"redis://:a-long-password@{redis.address}/0"
        config = settings_for(exchange, tmp_path, f"cache: {{tiers: [memory, redis], redis_url: '{url}'}}\n")
        config.chmod(0o600)
        found = await examined(config, connect=True)
    assert states(found)["redis"] == {State.GOOD}


async def test_what_does_not_answer_is_bad_and_named(tmp_path: Path) -> None:
    config = settings_for(None, tmp_path, "cache: {tiers: [memory, redis], redis_url: 'redis://127.0.0.1:9/0'}\n")
    found = await examined(config, connect=True)
    assert states(found)["exchange"] == states(found)["cache"] == {State.BAD}
    assert "clock" not in found, "it was not measured"
    assert all(finding.mend for finding in found["exchange"] + found["cache"])


async def test_a_region_that_is_not_served_is_named_as_such() -> None:
    line = "exchange: https://x does not answer: GET /: HTTP 403, the exchange does not serve the region that this …"
    (finding,) = doctor._of_part("exchange", [line])
    assert (finding.state, finding.said) == (State.BAD, line)
    assert finding.mend is not None
    assert finding.mend.startswith("run from where it serves")


@pytest.mark.parametrize(
    ("mode", "state", "said"),
    [
        (0o644, State.BAD, "everybody may read"),
        (0o640, State.WARN, "its group may read"),
        (0o600, State.GOOD, "no file"),
    ],
)
async def test_secrets_that_others_may_read_are_named(tmp_path: Path, mode: int, state: State, said: str) -> None:
    config = settings_for(None, tmp_path)
    config.write_text(config.read_text().replace("web: {port: 0}", f"web: {{port: 0, token: {TOKEN}}}"))
    config.chmod(mode)
    (finding,) = (await examined(config))["secrets"]
    assert (finding.state, finding.said[: len(said)]) == (state, said)
    assert TOKEN not in finding.said
    assert state is State.GOOD or f"chmod 600 {config}" in (finding.mend or "")


async def test_a_file_of_a_secret_is_looked_at_and_a_variable_is_not(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o644)
    config = settings_for(None, tmp_path, "monitoring: {interval: 1, alerts: {heartbeat: {url: '${HEARTBEAT:-}'}}}\n")
    text = config.read_text().replace("monitoring: {interval: 1}\n", "")
    config.write_text(text.replace("web: {port: 0}", f"web: {{port: 0, token_file: {tmp_path / 'token'}}}"))
    found = (await examined(config))["secrets"]
    assert [finding.said for finding in found] == [f"everybody may read {tmp_path / 'token'} (web.token_file)"]


async def test_the_hash_of_a_token_may_be_read_and_what_signs_sessions_by_it_may_not(tmp_path: Path) -> None:
    config = settings_for(None, tmp_path)
    config.write_text(config.read_text().replace("web: {port: 0}", f"web: {{port: 0, token: '{hash_of(TOKEN)}'}}"))
    config.chmod(0o644)
    (finding,) = (await examined(config))["secrets"]
    assert finding.state is State.GOOD
    key = load([config], {}).data_dir / "session.key"
    key.parent.mkdir(exist_ok=True)
    key.write_bytes(bytes(32))
    key.chmod(0o640)
    (finding,) = (await examined(config))["secrets"]
    assert (finding.state, finding.said) == (State.WARN, f"its group may read {key} (web.token)")


def test_a_data_folder_that_may_not_be_entered_shows_no_secret(tmp_path: Path) -> None:
    reading = read([settings_for(None, tmp_path)], {})
    assert reading.settings is not None
    user = os.geteuid()
    tmp_path.chmod(0)
    try:
        if user == 0:  # root may enter everything
            os.seteuid(65_534)
        (finding,) = exposure.secrets(reading.settings, reading.layers)
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o700)
    assert finding.state is State.GOOD


async def test_a_full_disk_little_memory_and_few_files_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_DISK_BYTES", 10**18)
    monkeypatch.setattr(machine, "_MEMORY_BYTES", 10**18)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 512))
    found = await examined(settings_for(None, tmp_path))
    assert {what for what, seen in states(found).items() if State.BAD in seen} == {"disk", "memory", "open files"}


@pytest.mark.slow
def test_the_command_says_it_by_lines_and_by_json(tmp_path: Path) -> None:
    config = settings_for(None, tmp_path)
    done = warm.run(command("doctor", "-c", str(config), "--no-connect"), timeout=60)
    assert done.stderr == ""
    assert any(re.match(r"good +configuration +has no mistakes$", line) for line in done.stdout.splitlines())
    assert re.fullmatch(r"\d+ good, \d warn, \d bad", done.stdout.splitlines()[-1])
    config.write_text(config.read_text() + "universe: {sise: 3}\n")
    done = warm.run(command("doctor", "-c", str(config), "--no-connect", "--json"), timeout=60)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert found["findings"][0] == {
        "what": "configuration", "state": "bad", "mend": "mend the key that the line names",
        "said": f"{config}:8: universe.sise = 3: unknown key; did you mean universe.size?",
    }  # fmt: skip
