"""Learners: spaces learned from the data of the user."""
