"""Where things are kept: published documents, time series, and the database. Any of them may die and return."""
