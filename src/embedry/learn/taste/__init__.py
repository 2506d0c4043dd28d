"""Learners of taste: who wants what, learned from who used what."""
