"""Files of bars as they lie on the disk: which there are, and what reads each format in parts."""
