"""InfluxDB: line protocol to 1.x and 2.x, a spool on the disk while it is away, InfluxQL to read back."""
