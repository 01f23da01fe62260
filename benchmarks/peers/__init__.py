"""The peers: each with a locked environment (`<name>.lock`) and a driver script that runs in it and prints JSON."""
