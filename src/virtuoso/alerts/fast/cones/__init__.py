"""What is found by the forecast of the last close: an edge touched, in a thin book or not; a likely large move."""
