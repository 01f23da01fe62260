"""What a run leaves behind: Parquet files and a summary, whole or not at all."""
