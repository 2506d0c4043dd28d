"""Kernels that train by negative sampling, and what they share."""
