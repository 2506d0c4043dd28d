"""Vectors kept by content, so that nothing is encoded twice."""
