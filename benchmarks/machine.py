"""What the figures were measured on, and how quiet it was."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("numpy", "msgspec", "picows", "uvloop", "uvicorn", "fastapi", "aiohttp")


def describe() -> dict[str, str]:
    """Processor, memory, kernel, interpreter and the versions of what carries the load."""
    tools = {"nginx": ["/usr/sbin/nginx", "-v"], "wrk": ["wrk", "-v"]}
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        **{name: _tool(command) for name, command in tools.items()},
    }


def load() -> dict[str, float]:
    """Load average over a minute, and the share of time stolen by the hypervisor since boot (percent)."""
    times = psutil.cpu_times()
    return {"load_1m": os.getloadavg()[0], "steal_percent": 100.0 * getattr(times, "steal", 0.0) / sum(times)}


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _tool(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not installed"
    words = (done.stdout + done.stderr).split()
    return next((word.partition("/")[2] for word in words if "/" in word), words[1] if words[1:] else "unknown")
