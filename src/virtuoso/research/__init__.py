"""Backtests and calibration: the same market and analysis as live, driven by files."""

PUBLIC = (
    "bar_files.bars", "bar_files.hints", "judging.sets", "output.results", "run", "weighing.trials",
    "weighing.weighing",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
