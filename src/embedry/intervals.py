"""How sure a number is: intervals over questions, and the spread over repetitions.

A score on 300 questions is one draw of what other 300 questions would have given. The bootstrap
draws questions again, with replacement, and looks how the score moves; for a share of right
answers Wilson's formula says the same without drawing. What it is not: the spread of training,
which only other seeds show.

References
----------
Efron, Tibshirani 1993, An Introduction to the Bootstrap, section 13.3 (percentile intervals).
Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.settings import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["LEVEL", "Interval", "Spread", "bootstrap", "bootstrap_means", "wilson"]

LEVEL = 0.95
_DRAWS_AT_ONCE = 2**20


@dataclass(frozen=True)
class Interval:
    """Between which values a number lies.

    Attributes
    ----------
    low, high : float
    level : float
        In how many of 100 cases, over 100, such an interval holds the true value.
    undefined : int
        Resamples of a bootstrap on which the number does not exist, and which were left out.
    """

    low: float
    high: float
    level: float = LEVEL
    undefined: int = 0

    def __str__(self) -> str:
        return f"{self.low:.3f} .. {self.high:.3f}"


@dataclass(frozen=True)
class Spread:
    """The same number from several repetitions.

    Attributes
    ----------
    values : tuple of float
        One a repetition.

    Examples
    --------
    >>> spread = Spread((0.2, 0.3, 0.4))
    >>> round(spread.mean, 3), round(spread.deviation, 3), str(spread)
    (0.3, 0.1, '0.300 ± 0.100')
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean."""
        return math.fsum(self.values) / len(self.values)

    @property
    def deviation(self) -> float:
        """The sample standard deviation (n - 1 below the line); NaN for one repetition."""
        if len(self.values) < 2:
            return math.nan
        return float(np.std(self.values, ddof=1))

    def __str__(self) -> str:
        if len(self.values) < 2:
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ± {self.deviation:.3f}"


def wilson(right: int, asked: int) -> Interval:
    """Return the 95 % interval of a share of right answers.

    Parameters
    ----------
    right, asked : int
        0 <= right <= asked, and asked at least 1.

    Returns
    -------
    Interval
        Within [0, 1], also where none or all are right.

    Raises
    ------
    InputError
        If the numbers are not such.

    References
    ----------
    Wilson 1927. Brown, Cai, DasGupta 2001, Interval Estimation for a Binomial Proportion, eq. 4.

    Examples
    --------
    >>> str(wilson(8, 10)), str(wilson(0, 10))
    ('0.490 .. 0.943', '0.000 .. 0.278')
    """
    if not 0 <= right <= asked or asked < 1:
        raise InputError(f"right must be in [0, asked], asked at least 1; got {right} of {asked}.")
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share, weight = right / asked, z * z / asked
    centre = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    # rounding must not put the share itself outside
    return Interval(max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share)))


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    count: int,
    *,
    resamples: int,
    seed: int,
) -> Interval:
    """Return the 95 % percentile interval of a number over its questions.

    Parameters
    ----------
    statistic : callable
        Takes ``counts`` (b, count) int64, how often each question was drawn in each of b
        resamples, and returns the number for each, (b,) float64; NaN where it does not exist.
    count : int
        How many questions there are.
    resamples : int
        At least 1.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    Interval
        NaN .. NaN if the number exists on no resample.

    Raises
    ------
    InputError
        If ``resamples`` or ``seed`` is not an int in range.

    Notes
    -----
    Weights instead of copied questions: a statistic sorts its values once, not in each resample.
    Memory does not grow with ``resamples``: they come in blocks of about a million draws.
    """
    blocks = [statistic(counts) for counts in _resamples(count, resamples, seed)]
    return _interval(np.concatenate(blocks))


def bootstrap_means(
    columns: NDArray[np.float64], *, resamples: int, seed: int
) -> tuple[Interval, ...]:
    """Return the 95 % percentile interval of the mean of each column, on the same draws.

    Parameters
    ----------
    columns : ndarray (questions, m), float64
        A number of each question in each column. NaN where it does not exist: the mean is that of
        the others.
    resamples, seed : int
        As in `bootstrap`, which gives the same for each column, m times as slowly.

    Returns
    -------
    tuple of m Interval

    Raises
    ------
    InputError
        If ``resamples`` or ``seed`` is not an int in range.
    """
    exists = ~np.isnan(columns)
    known = np.where(exists, columns, 0.0)
    weights = None if exists.all() else exists.astype(np.float64)
    blocks = []
    for drawn in _resamples(len(columns), resamples, seed):
        counts = drawn.astype(np.float64)
        totals = len(columns) if weights is None else counts @ weights
        with np.errstate(invalid="ignore"):  # 0 / 0 where no drawn question has the number
            # (b, questions) @ (questions, m) -> (b, m)
            blocks.append((counts @ known) / totals)
    return tuple(_interval(values) for values in np.concatenate(blocks).T)


def _interval(values: NDArray[np.float64]) -> Interval:
    """Return the middle 95 % of what the resamples gave, NaN left out."""
    defined = values[~np.isnan(values)]
    if not defined.size:
        return Interval(math.nan, math.nan, undefined=len(values))
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), undefined=len(values) - len(defined))


def _resamples(count: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield how often each question is drawn, (b, count), block after block."""
    generator = np.random.default_rng(whole_number("seed", seed, 0))
    left = whole_number("resamples", resamples, 1)
    while left:
        rows = min(left, max(1, _DRAWS_AT_ONCE // count))
        drawn = generator.integers(0, count, (rows, count))
        drawn += np.arange(rows)[:, None] * count  # a range of numbers for each resample
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        left -= rows
