"""How items are found fast: by their vectors, and by their words."""
