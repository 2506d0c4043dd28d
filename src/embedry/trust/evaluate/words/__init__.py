"""Spaces of words: graded pairs, analogies, and two spaces compared on the same questions."""
