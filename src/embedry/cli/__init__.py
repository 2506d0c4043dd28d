"""The command line: a thin door, without logic of its own."""
