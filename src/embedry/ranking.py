"""Ranking measures: how good a list of answers is, when the right ones are known.

Pure functions of one query: the ids that came, best first, and the ids that are relevant. Each
gives a number between 0 and 1; the mean over many queries is what is reported. What it is not:
an evaluation, which chooses queries, averages and gives intervals.

References
----------
Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, section 8.4.
Järvelin, Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING

from embedry.errors import InputError
from embedry.ids import Id, check_ids, check_unique
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["average_precision", "hit_rate", "ndcg", "precision", "recall", "reciprocal_rank"]


def hit_rate(ranked: Iterable[Id], relevant: Iterable[Id], *, k: int) -> float:
    """Tell whether any of the first k answers is relevant.

    Use it where one good answer is enough.

    Parameters
    ----------
    ranked : iterable of str or int
        The answers, best first, all different; fewer than k will do.
    relevant : iterable of str or int
        The right ids, at least one; their order does not matter.
    k : int
        At least 1.

    Returns
    -------
    float
        1.0 or 0.0.

    Raises
    ------
    InputError
        If an answer comes twice, nothing is relevant, something is not an id, or k < 1.

    Examples
    --------
    >>> hit_rate(["a", "b", "c"], ["c", "d"], k=2), hit_rate(["a", "b", "c"], ["c", "d"], k=3)
    (0.0, 1.0)
    """
    return float(any(_hits(ranked, relevant, k)))


def recall(ranked: Iterable[Id], relevant: Iterable[Id], *, k: int) -> float:
    """Return the share of the relevant ids that are among the first k answers.

    Parameters
    ----------
    ranked : iterable of str or int
        The answers, best first, all different; fewer than k will do.
    relevant : iterable of str or int
        The right ids, at least one; their order does not matter.
    k : int
        At least 1.

    Returns
    -------
    float
        In [0, 1]. Where more than k are relevant it cannot reach 1.

    Raises
    ------
    InputError
        If an answer comes twice, nothing is relevant, something is not an id, or k < 1.

    References
    ----------
    Manning, Raghavan, Schütze 2008, section 8.3.

    Examples
    --------
    >>> recall(["a", "b", "c"], ["a", "c", "d", "e"], k=3)
    0.5
    """
    right = _relevant(relevant)
    return sum(_hits(ranked, right, k)) / len(right)


def precision(ranked: Iterable[Id], relevant: Iterable[Id], *, k: int) -> float:
    """Return the share of the first k places that hold a relevant id.

    Parameters
    ----------
    ranked : iterable of str or int
        The answers, best first, all different. Places without an answer count as wrong.
    relevant : iterable of str or int
        The right ids, at least one; their order does not matter.
    k : int
        At least 1.

    Returns
    -------
    float
        In [0, 1]. Where fewer than k are relevant it cannot reach 1.

    Raises
    ------
    InputError
        If an answer comes twice, nothing is relevant, something is not an id, or k < 1.

    References
    ----------
    Manning, Raghavan, Schütze 2008, section 8.4 (precision at k).

    Examples
    --------
    >>> precision(["a", "b", "c"], ["a", "c"], k=4)
    0.5
    """
    return sum(_hits(ranked, relevant, k)) / k


def reciprocal_rank(ranked: Iterable[Id], relevant: Iterable[Id], *, k: int) -> float:
    """Return one over the place of the first relevant answer, 0 if none is among the first k.

    Use it where only the first right answer counts, as in question answering.

    Parameters
    ----------
    ranked : iterable of str or int
        The answers, best first, all different; fewer than k will do.
    relevant : iterable of str or int
        The right ids, at least one; their order does not matter.
    k : int
        At least 1.

    Returns
    -------
    float
        0 or in [1 / k, 1].

    Raises
    ------
    InputError
        If an answer comes twice, nothing is relevant, something is not an id, or k < 1.

    References
    ----------
    Voorhees 1999, The TREC-8 Question Answering Track Report.

    Examples
    --------
    >>> reciprocal_rank(["a", "b", "c"], ["b", "c"], k=3)
    0.5
    """
    hits = _hits(ranked, relevant, k)
    return 1 / (1 + hits.index(True)) if True in hits else 0.0


def average_precision(ranked: Iterable[Id], relevant: Iterable[Id], *, k: int) -> float:
    """Return the mean, over the relevant ids, of the precision at the place where each came.

    Parameters
    ----------
    ranked : iterable of str or int
        The answers, best first, all different; fewer than k will do.
    relevant : iterable of str or int
        The right ids, at least one; their order does not matter.
    k : int
        At least 1.

    Returns
    -------
    float
        In [0, 1]. A relevant id beyond the first k counts 0; the sum is divided by the number of
        relevant ids or by k, whichever is smaller, so that a perfect list gives 1.

    Raises
    ------
    InputError
        If an answer comes twice, nothing is relevant, something is not an id, or k < 1.

    References
    ----------
    Manning, Raghavan, Schütze 2008, section 8.4, equation 8.8, here cut at k.

    Examples
    --------
    >>> round(average_precision(["a", "b", "c"], ["a", "c"], k=3), 4)  # (1/1 + 2/3) / 2
    0.8333
    """
    right = _relevant(relevant)
    total, found = 0.0, 0
    for place, hit in enumerate(_hits(ranked, right, k), 1):
        if hit:
            found += 1
            total += found / place
    return total / min(len(right), k)


def ndcg(ranked: Iterable[Id], relevant: Iterable[Id] | Mapping[Id, float], *, k: int) -> float:
    """Return the normalised discounted cumulative gain of the first k answers.

    Use it where some answers are better than others, or where the order of the right ones counts.

    Parameters
    ----------
    ranked : iterable of str or int
        The answers, best first, all different; fewer than k will do.
    relevant : iterable of str or int, or mapping of id to gain
        The right ids, each with gain 1; or gains, finite and not negative, one above 0. An id
        that is not there has gain 0.
    k : int
        At least 1.

    Returns
    -------
    float
        In [0, 1]: the gain of each answer, divided by log2(1 + its place), summed up, over the
        same sum of the best order there is.

    Raises
    ------
    InputError
        If an answer comes twice, no gain is above 0, a gain is no number, negative or not
        finite, something is not an id, or k < 1.

    Notes
    -----
    Gains are taken as they are (pass ``2**grade - 1`` for the form that stresses high grades).
    The discount is log2(1 + place), which lowers the second place too.

    References
    ----------
    Järvelin, Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques, section 2.2.
    Burges et al. 2005, Learning to Rank using Gradient Descent (this discount).

    Examples
    --------
    >>> ndcg(["a", "b"], {"a": 3.0, "b": 1.0}, k=2)
    1.0
    >>> round(ndcg(["b", "a"], {"a": 3.0, "b": 1.0}, k=2), 4)  # (1 + 3/log2 3) / (3 + 1/log2 3)
    0.7967
    """
    gains = _gains(relevant)
    came = [gains.get(answer, 0.0) for answer in _first(ranked, k)]
    best = sorted(gains.values(), reverse=True)[:k]
    return _discounted(came) / _discounted(best)


def _discounted(gains: list[float]) -> float:
    return math.fsum(gain / math.log2(1 + place) for place, gain in enumerate(gains, 1))


def _gains(relevant: Iterable[Id] | Mapping[Id, float]) -> dict[Id, float]:
    if not isinstance(relevant, Mapping):
        return dict.fromkeys(_relevant(relevant), 1.0)
    gains = dict(zip(check_ids(relevant), relevant.values(), strict=True))
    for name, gain in gains.items():
        if not (isinstance(gain, Real) and 0 <= float(gain) < math.inf):
            raise InputError(
                f"A gain must be a finite number, not negative; got {gain!r} for {name!r}. "
                "Shift the grades so that they start at 0."
            )
    if not any(gains.values()):
        raise InputError("At least one gain must be above 0; got none. Leave this query out.")
    return gains


def _relevant(relevant: Iterable[Id]) -> frozenset[Id]:
    right = frozenset(check_ids(relevant))
    if not right:
        raise InputError("At least one id must be relevant; got none. Leave this query out.")
    return right


def _first(ranked: Iterable[Id], k: int) -> list[Id]:
    answers = check_ids(ranked)
    check_unique(answers, "ranked ids")
    return answers[: check_k(k)]


def _hits(ranked: Iterable[Id], relevant: Iterable[Id], k: int) -> list[bool]:
    """Tell of each of the first k answers whether it is relevant."""
    right = _relevant(relevant)
    return [answer in right for answer in _first(ranked, k)]
