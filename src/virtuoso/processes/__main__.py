"""`python -m virtuoso.processes [--speed=…] MODULE ARGUMENT …`: one process of the program, by its module's `main`."""

import signal
import sys

from virtuoso.processes.loading import load

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends us; also while we still import
sys.argv = sys.argv[1:]
faster = sys.argv.pop(0) if sys.argv[0].startswith("--speed=") else None
module = load(sys.argv[0])

from virtuoso.processes.runtime import Runtime  # noqa: E402 - it is among what has just been loaded

if faster is None:
    runtime = Runtime()
else:
    from virtuoso.processes.fast import told

    runtime = told(faster)
module.main(runtime)
