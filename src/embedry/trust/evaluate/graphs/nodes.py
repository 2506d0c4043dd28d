"""Node classification: how much the vectors of nodes tell of their labels.

A linear classifier is trained on the labels of some nodes and asked for those of the others. What
it is not: a way to label nodes; it says how good the space is.

References
----------
Tang, Liu 2009, Relational Learning via Latent Social Dimensions (the protocol). Perozzi, Al-Rfou,
Skiena 2014, DeepWalk, section 5. Grover, Leskovec 2016, node2vec, section 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.intervals import Spread
from embedry.learn.learner import real_number, whole_number
from embedry.measures import f1_scores
from embedry.progress import bar
from embedry.trust.evaluate.graphs.labels import LabelTable
from embedry.trust.evaluate.graphs.logistic import check_extra, logistic_weights, with_constant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.progress import Advance
    from embedry.trust.evaluate.graphs.labels import Labels

__all__ = ["NodeClassification", "node_classification", "top_labels"]


@dataclass(frozen=True)
class NodeClassification:
    """How well labels are told from vectors.

    Attributes
    ----------
    micro, macro : Spread
        Micro- and macro-F1 of each split: their ``mean`` and ``deviation`` are what papers report.
    train : float
        The share of the nodes that the classifier learned from.
    nodes, labels : int
        Nodes with a vector and a label, and how many different labels they carry.
    without_vector, without_label : int
        Labelled ids without a vector, and ids with a vector but no label: neither count.
    untrained : tuple of int
        For each split, labels that no training node carries: they are guessed last.
    """

    micro: Spread
    macro: Spread
    train: float
    nodes: int
    labels: int
    without_vector: int
    without_label: int
    untrained: tuple[int, ...]

    def __str__(self) -> str:
        return (
            f"micro-F1 {self.micro}, macro-F1 {self.macro}: {self.nodes:,} nodes, "
            f"{self.labels:,} labels, {self.train:.0%} for training, "
            f"{len(self.untrained)} splits; left out: {self.without_vector:,} without a vector, "
            f"{self.without_label:,} without a label"
        )


def node_classification(
    embeddings: Embeddings,
    labels: Labels,
    *,
    train: float = 0.5,
    splits: int = 10,
    seed: int = 0,
) -> NodeClassification:
    """Measure how well a linear classifier tells labels from vectors.

    One logistic regression a label, one against the rest (L2, C = 1, vectors as they are, not
    scaled). Each test node is given as many labels as it truly has, those of highest score: the
    rule of the papers, which takes the number of labels as known.

    Parameters
    ----------
    embeddings : Embeddings
    labels : mapping of str or int to a label or a collection of labels
        A label is a str or an int. See `read_labels`.
    train : float
        The share of the nodes to learn from, in (0, 1).
    splits : int
        How often nodes are split at random, at least 1.
    seed : int
        Of the splits; the same seed gives the same result.

    Returns
    -------
    NodeClassification
        Micro- and macro-F1, a value a split.

    Raises
    ------
    InputError
        If an argument is not such, fewer than two labels are carried by nodes with a vector, or
        a side of the split would be empty.
    MissingExtraError
        If scikit-learn is not installed: ``pip install 'embedry[evaluate]'``.

    Notes
    -----
    O(splits * labels * nodes * dims^2) time, memory for twice the vectors in float64. Ten splits
    of BlogCatalog (10,312 nodes, 128 dims, 39 labels) take 13 to 18 CPU seconds. Macro-F1 is the
    mean over all labels, those too that no test node carries, as in scikit-learn.

    References
    ----------
    Perozzi, Al-Rfou, Skiena 2014, section 5.1. Grover, Leskovec 2016, section 4.3.

    Examples
    --------
    >>> from embedry import Embeddings
    >>> rows = [[side, n / 8] for side in (-1, 1) for n in range(8)]
    >>> sides = {n: "left" if n < 8 else "right" for n in range(16)}
    >>> node_classification(Embeddings(range(16), rows), sides, splits=2).micro.values
    (1.0, 1.0)
    """
    check_extra("node_classification")
    if not isinstance(embeddings, Embeddings):
        raise InputError(
            f"embeddings must be Embeddings; got {type(embeddings).__name__}. "
            "Pass the embeddings_ of a fitted learner."
        )
    share, count = real_number("train", train, 0, 1), whole_number("splits", splits, 1)
    generator = np.random.default_rng(whole_number("seed", seed, 0))
    table = LabelTable.of(embeddings, labels)
    nodes = len(table.rows)
    learned = round(share * nodes)
    if not 0 < learned < nodes:
        raise InputError(
            f"train must leave nodes on both sides; {share:g} of {nodes} leaves "
            f"{learned} and {nodes - learned}. Pass train=0.5."
        )
    rows = with_constant(_of_size_one(embeddings.vectors[table.rows]))  # (nodes, dims + 1)
    scores = []
    with bar("Classifying nodes", count * len(table.names)) as advance:
        for _ in range(count):
            order = generator.permutation(nodes)
            scores.append(_one_split(rows, table.carried, order, learned, advance))
    micro, macro, untrained = zip(*scores, strict=True)
    return NodeClassification(
        Spread(micro),
        Spread(macro),
        share,
        nodes,
        len(table.names),
        table.without_vector,
        table.without_label,
        untrained,
    )


def _of_size_one(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Divide vectors by a power of two where they are far from length 1 on average.

    The regression holds weights near zero, and so does not suit vectors of any length. Those
    that learners give, of lengths from 1/16 to 16, stay as they are.
    """
    rows = vectors.astype(np.float64)
    size = float(np.sqrt((rows**2).sum(axis=1).mean()))
    far = size > 0 and not 1 / 16 <= size <= 16
    return rows / 2.0 ** round(np.log2(size)) if far else rows


def _one_split(
    rows: NDArray[np.float64],
    carried: NDArray[np.bool_],
    order: NDArray[np.int64],
    learned: int,
    advance: Advance,
) -> tuple[float, float, int]:
    """Learn from the first nodes of an order; return micro- and macro-F1 on the others."""
    known, asked = order[:learned], order[learned:]
    weights = _weights(rows[known], carried[known], advance)
    scores = rows[asked] @ weights  # (asked, width) @ (width, labels)
    held = carried[known].sum(axis=0)
    scores[:, held == 0] = -np.inf
    scores[:, held == learned] = np.inf
    truth = carried[asked]
    micro, macro = f1_scores(truth, top_labels(scores, truth.sum(axis=1)))
    return micro, macro, int((held == 0).sum())


def _weights(
    rows: NDArray[np.float64], carried: NDArray[np.bool_], advance: Advance
) -> NDArray[np.float64]:
    """Return the weights for each label, (width, labels); zeros where there is nothing to learn."""
    weights = np.zeros((rows.shape[1], carried.shape[1]))
    for label, truth in enumerate(carried.T):
        if truth.any() and not truth.all():
            weights[:, label] = logistic_weights(rows, truth)
        advance()
    return weights


def top_labels(scores: NDArray[np.floating], sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the labels of highest score, as many a row as asked for.

    Parameters
    ----------
    scores : ndarray (n, labels)
    sizes : ndarray (n,), int64

    Returns
    -------
    ndarray (n, labels), bool
        ``sizes[i]`` of row i are true; ties go to the label that stands first.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(scores.shape[1])[None], axis=1)
    return np.asarray(places < sizes[:, None])
