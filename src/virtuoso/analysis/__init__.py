"""Analysis: from closed bars and cut book features to scores, bands and regimes; pure."""

PUBLIC = (
    "alpha.estimates", "alpha.patterns", "bands", "block", "breadth", "checkpoint", "component", "engine",
    "forecast.claims.cells", "forecast.claims.claims", "forecast.claims.tally", "forecast.cones.cone",
    "forecast.cones.together", "forecast.costs", "forecast.features", "forecast.fits.fit", "forecast.fits.shipped",
    "forecast.forecaster", "forecast.forecasts", "forecast.horizons", "forecast.outcomes", "forecast.outlook",
    "forecast.training", "history", "lived.came", "lived.measures", "lived.pending", "lived.performance",
    "lived.statements", "lived.sums", "overview", "percentile", "quality.blocks", "quality.figures",
    "readings.evaluation", "readings.market_outlook", "readings.outlooks", "readings.passed", "regimes.dwell",
    "regimes.regime",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
