"""How files of bars are laid out: the table of layouts, and what tells which one a file has."""
