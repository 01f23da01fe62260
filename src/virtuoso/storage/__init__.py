"""Where published documents (and later time series and the database) are kept."""
