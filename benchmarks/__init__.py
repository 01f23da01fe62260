"""Side-by-side measurements with the peers: `python -m benchmarks.run`. What each figure means: docs/benchmarks.md."""
