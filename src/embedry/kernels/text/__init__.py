"""Kernels that read text: bytes to runs, runs to codes."""
