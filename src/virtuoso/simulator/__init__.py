"""The embedded exchange: a second, independent implementation of Bybit v5's public wire protocol."""
