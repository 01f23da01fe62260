"""The documentation site: pages of `docs/`, with the reference that the program says of itself, built by `make docs`."""
