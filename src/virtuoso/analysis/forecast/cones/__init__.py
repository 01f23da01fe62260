"""Cones: how far a price may go, as quantiles that are kept honest by what came of the forecasts before."""
