"""Makes plain, comparable parts from settings; below the commands, no other room reads settings."""
