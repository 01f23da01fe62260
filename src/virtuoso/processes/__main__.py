"""`python -m virtuoso.processes MODULE ARGUMENT …`: one process of the program, by the module that has its `main`."""

import sys

from virtuoso.processes.loading import load

sys.argv = sys.argv[1:]
module = load(sys.argv[0])

from virtuoso.processes.runtime import Runtime  # noqa: E402 - it is among what has just been loaded

module.main(Runtime())
