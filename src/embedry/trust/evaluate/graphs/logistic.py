"""Logistic regression as the papers on node embeddings use it.

The papers call scikit-learn's with its settings of the time: solver liblinear, L2, C = 1, no
scaling, and the intercept penalised as any weight. Liblinear is slow on dense rows; the same
problem (a column of ones for the intercept) is solved here by scikit-learn's Newton method,
to the same optimum. What it is not: a classifier to keep.

References
----------
Fan et al. 2008, LIBLINEAR, section 2 (the problem, the intercept). Perozzi, Al-Rfou, Skiena 2014,
DeepWalk, section 5.1; Grover, Leskovec 2016, node2vec, section 4.3 (its use).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_extra", "logistic_weights", "with_constant"]


def check_extra(what: str) -> None:
    """Refuse to begin where the extra is not installed.

    Parameters
    ----------
    what : str
        What needs it.

    Raises
    ------
    MissingExtraError
        With the line that installs it.
    """
    try:
        import scipy  # noqa: F401
        import sklearn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(what, extra="evaluate") from error


def with_constant(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return rows (n, dims) with a column of ones after the last, (n, dims + 1) float64."""
    wider = np.ones((len(rows), rows.shape[1] + 1))
    wider[:, :-1] = rows
    return wider


def logistic_weights(rows: NDArray[np.float64], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the weights w that minimise |w|^2 / 2 + sum of log(1 + exp(-y rows w)), y = 1 or -1.

    Parameters
    ----------
    rows : ndarray (n, width), float64
        As `with_constant` returns them.
    truth : ndarray (n,), bool
        Both true and false cases.

    Returns
    -------
    ndarray (width,), float64
        ``rows @ weights`` is above 0 where a case is likely true.

    Notes
    -----
    BlogCatalog (10,312 nodes, 128 dims, 39 labels, half of them for training), CPU seconds for all
    labels of a split: liblinear 1.9 to 5.2 (the longer the vectors, the slower), Newton 1.3 to 1.8,
    L-BFGS 0.6 to 0.9; but L-BFGS stops at its default tolerance before rare labels have
    converged (macro-F1 .226 where both others give .229).
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0, solver="newton-cholesky", fit_intercept=False)
    weights: NDArray[np.float64] = model.fit(rows, truth).coef_[0]
    return weights
