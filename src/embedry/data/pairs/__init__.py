"""Pairs of user and item: how they come, and how they become rows."""
