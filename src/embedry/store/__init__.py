"""Collections: items, their text, metadata and vectors, kept and searched."""
