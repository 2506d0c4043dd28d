"""What a graph is made of: names numbered, edges checked, rows compressed, other packages read."""
