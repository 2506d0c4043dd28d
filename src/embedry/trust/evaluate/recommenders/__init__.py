"""Recommenders: how well their lists hold what users took next, and how lists differ."""
