"""Where things are kept: published documents, time series, and the database. Any of them may die and return."""

PUBLIC = (
    "cache.feed", "cache.feed_reader", "cache.memcached", "cache.memory", "cache.publisher", "cache.redis",
    "cache.replica", "cache.tier", "cycle_history", "database.connection.durability", "database.damage",
    "database.lease.lease", "database.lease.rows", "database.leased_store", "database.lived_body",
    "database.past_cones", "database.queries", "database.records", "database.signal_outcomes", "database.store",
    "depth_history", "stores", "timeseries.archive", "timeseries.depth_rows", "timeseries.embedded.partitions",
    "timeseries.embedded.reader", "timeseries.embedded.retention", "timeseries.embedded.store",
    "timeseries.influx.store", "timeseries.protocol", "timeseries.schema", "views",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
