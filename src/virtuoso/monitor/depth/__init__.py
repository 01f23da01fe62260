"""The depth of books, second by second: looked at, published, kept."""
