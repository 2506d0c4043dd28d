"""The compiled inner loops of the learners, each beside its plain NumPy oracle.

What it is: the rooms' machinery. Kernels are written in Python, compiled by Numba on first
use, and kept in Embedry's own cache folder. What it is not: public; the learners check what
users pass before it comes here. Nothing is imported until a kernel module is asked for, so
that ``import embedry.learn`` stays light.
"""
