"""Benchmarks: speed beside quality, beside the peers, in one run.

``make bench`` runs all; ``python -m benchmarks words search`` some. Data that is not ours to
ship is looked for in ``$EMBEDRY_DATA``, else in ``../shared/data``; what needs it is skipped
with a reason where it is missing.
"""
