"""Alpha, beta and correlation of many symbols against one benchmark, and which differences are real."""
