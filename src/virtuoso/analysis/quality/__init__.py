"""How good figures are: sums of blocks of days, intervals from resampling them, effective numbers."""
