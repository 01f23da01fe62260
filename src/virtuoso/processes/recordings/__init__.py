"""What commands do with recordings: parts taken out, and the whole given back as an exchange."""
