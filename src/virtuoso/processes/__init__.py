"""Holds what a command starts: the processes of the program, how they share sockets, and how they end."""
