"""What other packages bring: some only if they are asked for, some under two names."""
