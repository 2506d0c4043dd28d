"""Interactions in which each pair counts once, as kernels that count users want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from embedry.data.interactions import Interactions
    from embedry.kernels.recommend.cooccurrence import Sparse

__all__ = ["once"]


def once(interactions: Interactions) -> tuple[Sparse, Sparse]:
    """Return interactions by user and by item, all values 1.

    Parameters
    ----------
    interactions : Interactions

    Returns
    -------
    tuple of (Sparse, Sparse)

    Raises
    ------
    InputError
        If they are no matrix in compressed rows; those that Embedry makes are.
    """
    from embedry.kernels.least_squares import check_csr
    from embedry.kernels.recommend.cooccurrence import Sparse

    ones = np.ones(len(interactions), np.float32)
    found = []
    for side in (interactions, interactions.transposed()):
        check_csr(side.indptr, side.indices, ones, *side.shape)
        found.append(Sparse(side.indptr, side.indices, ones))
    return found[0], found[1]
