"""Factors, one file each: which components and modifiers, how they are mapped and weighted."""
