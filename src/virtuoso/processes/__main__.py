"""`python -m virtuoso.processes [--speed=…] MODULE ARGUMENT …`: one process of the program, by its module's `main`."""

import signal
import sys

from virtuoso.processes.loading import load

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends us; also while we still import
fast = load("virtuoso.processes.fast")
sys.argv = sys.argv[1:]
option = sys.argv.pop(0) if sys.argv[0].startswith(fast.OPTION) else None
load(sys.argv[0]).main(fast.Runtime() if option is None else fast.told(option))
