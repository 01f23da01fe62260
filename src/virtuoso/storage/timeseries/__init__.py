"""Time series: what was measured, by minute, kept for charts, for warm-up after a restart, and for research."""
