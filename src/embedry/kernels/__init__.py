"""The compiled inner loops, each beside its plain NumPy oracle.

What it is: the engine room beneath `data` and `learn`, which both need loops over millions of
tokens. Kernels are written in Python, compiled by Numba on first use, and kept in Embedry's own
cache folder. What it is not: public; rooms above check what users pass before it comes here.
Nothing is imported until a kernel module is asked for.
"""
