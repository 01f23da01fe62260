"""What was recorded of an exchange, given back as that exchange: its frames to the byte, its answers as of then."""
