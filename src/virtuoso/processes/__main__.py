"""`python -m virtuoso.processes MODULE ARGUMENT …`: one process of the program, by the module that has its `main`."""

import signal
import sys

from virtuoso.processes.loading import load

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends us; also while we still import
sys.argv = sys.argv[1:]
module = load(sys.argv[0])

from virtuoso.processes.runtime import Runtime  # noqa: E402 - it is among what has just been loaded

module.main(Runtime())
