"""Data: text, interactions and samples, checked as they come in."""
