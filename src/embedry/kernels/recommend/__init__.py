"""Compiled loops of recommenders, each beside its plain NumPy oracle."""
