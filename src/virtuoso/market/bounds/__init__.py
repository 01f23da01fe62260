"""What a number, a time and a bar must be at all, whatever the market does."""
