"""Kernels that walk on graphs."""
