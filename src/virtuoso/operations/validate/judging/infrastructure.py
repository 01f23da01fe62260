"""Stores, processes and what they use: uptime, processors, memory and its slope, addresses open to all."""

from typing import Any, Final

from virtuoso.model.text.numbers import UNKNOWN, counted, number_text
from virtuoso.operations.validate.judging.states import State, risen, states
from virtuoso.operations.validate.judging.words import Judge, mean, naming, seconds
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import ProcessItem, Samples, moment

_STATE: Final = "state"
_OPEN: Final = ("0.0.0.0:", ":::", "[::]:", "*:")
_PRIVATE: Final = frozenset(("redis", "memcached"))
_BUSY: Final = 1.5
"""Times as many processes as processors: each waits for others as long as it works."""
_FULL_PCT: Final = 95.0
_NEAR_MB: Final = 20.0
_APART: Final = 0.3
_SLOPE_MB_H: Final = 60.0
_SLOPE_S: Final = 600.0
"""A slope over less says more of the start than of a leak."""


def infrastructure(samples: Samples) -> Section:
    """Judge whether stores and processes are well."""
    judge, found = Judge("Infrastructure"), states(samples)
    stores = _stores(judge, found) if found else ()
    if not found:
        judge.unknown("every store is up", "no status document came")
    table = _processes(judge, samples)
    return Section(
        title="Infrastructure",
        tables=(Table(title="Stores", columns=("store", "states seen", "since", "error"), rows=stores), table),
        checks=tuple(judge.checks),
    )  # fmt: skip


def _stores(judge: Judge, found: list[State]) -> tuple[tuple[str, ...], ...]:
    names = {
        name for state in found for name, store in (state.of("stores") or {}).items()
        if isinstance(store, dict) and _STATE in store
    }  # fmt: skip
    rows, down = [], []
    for name in sorted(names):
        seen = list(dict.fromkeys(str(state.of("stores", name, _STATE)) for state in found))
        last = found[-1]
        rows.append((name, naming(seen), str(last.of("stores", name, "since") or UNKNOWN),
                     str(last.of("stores", name, "error") or "none")))  # fmt: skip
        if seen != ["up"]:
            down.append(f"{name} was {naming(seen)}")
    judge.holds("every store is up", not down if names else None,
                naming(down) or f"{naming(sorted(names))} all the time", "see the store's own log")  # fmt: skip
    lost = naming(
        f"{name} dropped {number_text(rose)}" for name in sorted(names)
        if (rose := risen(found, "stores", name, "dropped"))
    )  # fmt: skip
    before = naming(
        f"{name} {number_text(count)}" for name in sorted(names)
        if (count := found[0].number("stores", name, "dropped"))
    )  # fmt: skip
    judge.holds("no store lost anything", not lost, (lost or "nothing was dropped in the window")
                + (f"; before it: {before}" if before else ""), "see which store is full or slow")  # fmt: skip
    died = {
        str(name): str(how) for state in found for name, how in (state.of("tasks") or {}).items() if how != "running"
    }
    judge.holds("every task runs", not died, naming(f"{name} {how}" for name, how in died.items())
                or f"{counted(len(found[-1].of('tasks') or {}), 'task')}", "read the error in the log")  # fmt: skip
    return tuple(rows)


def _processes(judge: Judge, samples: Samples) -> Table:
    columns = ("process", "pid", "role", "uptime", "CPU mean", "CPU most", "memory", "slope an hour")
    title = "Processes"
    if not samples.processes:
        why = "they run on another machine" if not samples.run.here else "they were not seen"
        judge.unknown("one monitor runs", f"nobody can tell: {why}")
        judge.unknown("memory does not grow without end", f"nobody can tell: {why}")
        return Table(title=title, columns=columns, rows=(), note=why)
    seen: dict[int, list[tuple[float, ProcessItem]]] = {}
    for each in samples.processes:
        for item in each.processes:
            seen.setdefault(item.pid, []).append((moment(each.at) or 0.0, item))
    monitors = max(
        ([item.pid for item in each.processes if item.role == "monitor"] for each in samples.processes), key=len
    )
    judge.holds(
        "one monitor runs", len(monitors) == 1,
        f"{counted(len(monitors), 'monitor')} at once (pid {naming(map(str, monitors))}), {len(seen)} processes in all",
        "one monitor an identity: see who started the others, and whether they hold leases of their own",
    )  # fmt: skip
    _agreeing(judge, samples)
    _open_to_all(judge, seen)
    _machine(judge, samples)
    slopes = {pid: slope for pid, items in seen.items() if (slope := slope_mb_h(items)) is not None}
    growing = naming(f"{seen[pid][-1][1].name} (pid {pid}) by {number_text(slope, 3)} MB an hour"
                     for pid, slope in slopes.items() if slope > _SLOPE_MB_H)  # fmt: skip
    if slopes:
        judge.holds(
            "memory does not grow without end", not growing,
            growing or f"at most {number_text(max(slopes.values()), 3)} MB an hour (line of least squares)",
            "watch it for a day: what fills caches at the start flattens, a leak does not",
        )  # fmt: skip
    else:
        judge.unknown("memory does not grow without end", f"less than {seconds(_SLOPE_S)} of samples say nothing of it")
    rows = tuple(_row(items, slopes.get(pid)) for pid, items in sorted(seen.items()))
    return Table(title=title, columns=columns, rows=rows, note="CPU: percent of one processor")


def _agreeing(judge: Judge, samples: Samples) -> None:
    """Whether the lease, the status, the units of systemd and the list of processes tell of the same."""
    found, listed = states(samples), samples.processes[-1].processes
    ours = {item.pid: item for item in listed if item.role == "monitor"}
    if found and (holder := found[-1].of("stores", "lease", "holder")) is not None:
        pid = str(holder).rpartition(":")[2]
        judge.holds(
            "the holder of the lease is the monitor that runs",
            str(holder) == str(found[-1].of("instance")) and pid in map(str, ours),
            f"the lease is held by pid {pid}, the monitor listed is pid {naming(map(str, ours))}",
            "another process publishes than the one that is seen",
        )  # fmt: skip
    told = found[-1].number("memory_mb") if found else None
    held = next((item.memory_mb for item in ours.values()), None)
    if told is not None and held is not None:
        judge.holds(
            "memory is told in the unit in which it is measured", abs(told - held) <= max(_NEAR_MB, _APART * held),
            f"the status says {number_text(told, 4)} MB, the list of processes {number_text(held, 4)} MB",
            "one of them is of another unit, or of another process",
        )  # fmt: skip
    programs = [item for item in listed if item.role in {"monitor", "web"}]
    if any(item.unit for item in programs):
        loose = naming(f"{item.role} (pid {item.pid})" for item in programs if item.unit is None)
        judge.holds(
            "every process belongs to a unit", not loose,
            f"beside {naming(sorted({item.unit for item in programs if item.unit}))} without one: {loose}" if loose
            else naming(sorted({item.unit for item in programs if item.unit})),
            "it was started by hand, and nobody starts it again",
        )  # fmt: skip


def _machine(judge: Judge, samples: Samples) -> None:
    """Whether the machine itself has time for it: what is late on a machine without any says little of the program."""
    seen = [each.machine for each in samples.processes if each.machine is not None]
    if not seen:
        judge.unknown("the machine has time for it", "its load was not seen")
        return
    load, most = mean([each.load for each in seen]) or 0.0, max(each.memory_pct for each in seen)
    said = (
        f"{counted(seen[-1].processors, 'processor')}, load {number_text(load, 3)} on the mean, "
        f"{number_text(max(each.load for each in seen), 3)} at most; memory {number_text(most, 3)} % in use at most"
    )
    if load > _BUSY * seen[-1].processors:
        judge.observed("the machine has time for it", said, "what is late here may be late because of others")
    else:
        judge.holds("the machine has time for it", most < _FULL_PCT, said, "see which process takes the memory")


def _row(items: list[tuple[float, ProcessItem]], slope: float | None) -> tuple[str, ...]:
    last = items[-1][1]
    cpus = [item.cpu_pct for _, item in items if item.cpu_pct is not None]
    memory = UNKNOWN
    if last.memory_mb is not None:
        memory = f"{number_text(last.memory_mb, 4)} MB"
    elif last.memory_pct is not None:
        memory = f"{number_text(last.memory_pct, 3)} %"
    return (
        last.name, str(last.pid), last.role, seconds(last.uptime_s), _pct(mean(cpus)), _pct(max(cpus, default=None)),
        memory, UNKNOWN if slope is None else f"{number_text(slope, 3)} MB",
    )  # fmt: skip


def _pct(value: float | None) -> str:
    return UNKNOWN if value is None else f"{number_text(value, 3)} %"


def _open_to_all(judge: Judge, seen: dict[int, list[tuple[float, ProcessItem]]]) -> None:
    """Caches take commands from whoever reaches them."""
    caches = [items[-1][1] for items in seen.values() if items[-1][1].role in _PRIVATE]
    exposed = naming(
        f"{item.role} on {address}" for item in caches for address in item.listens or () if address.startswith(_OPEN)
    )  # fmt: skip
    unseen = naming(f"{item.role} (pid {item.pid})" for item in caches if item.listens is None)
    good = False if exposed else None if unseen else True
    judge.holds(
        "no cache is open to all", good,
        f"open: {exposed}" if exposed else f"nobody can tell: where {unseen} listens is for its user and root to see"
        if unseen else f"{counted(len(caches), 'server')} of caches here, none is",
        "bind it to 127.0.0.1, or to a network of its own",
    )  # fmt: skip


def slope_mb_h(items: list[tuple[float, Any]]) -> float | None:
    """Memory gained an hour by the line of least squares; `None` of less than ten minutes or five samples."""
    points = [(at / 3_600_000, item.memory_mb) for at, item in items if item.memory_mb is not None]
    if len(points) < 5 or (points[-1][0] - points[0][0]) * 3_600 < _SLOPE_S:
        return None
    middle, level = mean([x for x, _ in points]) or 0.0, mean([y for _, y in points]) or 0.0
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - level) for x, y in points) / spread if spread else None
