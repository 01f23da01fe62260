"""The time series in files of our own: SQLite, one file a span of time, read by other processes while it is written."""
