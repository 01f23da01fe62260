"""`python -m virtuoso.cli`: the command `virtuoso`."""

from virtuoso.cli import main

main()
