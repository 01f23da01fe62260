"""Backtests, judges and calibrates by files, with the same market and analysis as live."""

PUBLIC = (
    "bar_files.bars", "bar_files.hints", "detecting.played", "output.place", "output.results", "run",
    "seams", "track_record.markdown", "track_record.own", "track_record.sections", "track_record.sets",
    "track_record.track", "weighing.trials", "weighing.weighing",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
