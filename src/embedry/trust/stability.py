"""Stability: which neighbours stay when the same space is learned again.

A learner begins at random and looks at its data in a random order. Neighbours that are there
whatever the seed are in the data; others are in the dice. What it is not: quality; a space can be
wrong and stable. See ``embedry.trust.evaluate``.

References
----------
Antoniak, Mimno 2018, Evaluating the Stability of Embedding-based Word Similarities. Wendlandt,
Kummerfeld, Mihalcea 2018, Factors Influencing the Surprising Instability of Word Embeddings
(the share of the k nearest that two spaces have in common).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError, UnknownIdError
from embedry.ids import Id, check_id, check_ids, check_unique
from embedry.learn.learner import changed_since_fit, whole_number
from embedry.metrics import as_metric
from embedry.neighbours import nearest_of_each
from embedry.trust.neighbourhoods import staying
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["Stability", "StableNeighbour", "stability"]

_EXAMPLES = 3


class _Learner(Protocol):
    """What can be learned again with another seed."""

    def get_params(self) -> dict[str, Any]: ...
    def set_params(self, **settings: Any) -> Self: ...
    def fit(self, data: Any, /) -> Self: ...


@dataclass(frozen=True)
class StableNeighbour:
    """One neighbour of an id, and how often it stays.

    Attributes
    ----------
    id : str or int
    score : float
        In the reference space; larger is nearer.
    share : float
        Of the retrains that know the id asked about, those in which the neighbour is among its k
        nearest.
    """

    id: Id
    score: float
    share: float


@dataclass(frozen=True, eq=False)
class Stability:
    """How much of each neighbourhood stays when a space is learned again.

    Attributes
    ----------
    ids : tuple of str or int
        The n ids asked about.
    k : int
        How many neighbours were compared; fewer than asked for where the space is small.
    neighbours : ndarray (n, k), int64
        Places in ``reference.ids``, nearest first.
    scores : ndarray (n, k), float32
    shares : ndarray (n, k), float64
        Of the retrains that know the id, those in which the neighbour stays among the k nearest;
        NaN where none knows it.
    overlaps : ndarray (n, replicas), float64
        The share of the k neighbours that stays in each retrain; NaN where it lacks the id.
    reference : Embeddings
        The space whose neighbours were looked at.
    seeds : tuple of int
        Those of the retrains.
    missing : tuple of int
        For each retrain, ids of the reference that it lacks. They stay in no neighbourhood; ids
        that only a retrain has are left out of it.
    """

    ids: tuple[Id, ...]
    k: int
    neighbours: NDArray[np.int64]
    scores: NDArray[np.float32]
    shares: NDArray[np.float64]
    overlaps: NDArray[np.float64]
    reference: Embeddings
    seeds: tuple[int, ...]
    missing: tuple[int, ...]

    @property
    def mean(self) -> float:
        """The share of the k nearest that stays, over all ids and retrains."""
        return float(_mean_known(self.overlaps))

    @property
    def jaccard(self) -> float:
        """The mean of neighbours in common over neighbours in either (Jaccard at k)."""
        return float(_mean_known(self.overlaps / (2 - self.overlaps)))

    @property
    def each_mean(self) -> tuple[float, ...]:
        """The share that stays in each retrain, over all ids."""
        return tuple(_mean_known(self.overlaps, axis=0).tolist())

    @cached_property
    def per_id(self) -> NDArray[np.float64]:
        """The share that stays for each id, over the retrains, (n,); NaN where none knows it."""
        return np.asarray(self.shares.mean(axis=1))

    @cached_property
    def _places(self) -> dict[Id, int]:
        return {id: place for place, id in enumerate(self.ids)}

    def of(self, id: Id) -> tuple[StableNeighbour, ...]:
        """Return the neighbours of an id in the reference, nearest first, each with its share.

        Parameters
        ----------
        id : str or int
            One of ``ids``.

        Returns
        -------
        tuple of StableNeighbour

        Raises
        ------
        InputError
            If it is no id.
        UnknownIdError
            If it was not asked about.
        """
        name = check_id(id)
        if name not in self._places:
            raise UnknownIdError(
                f"{name!r} was not asked about; {len(self.ids):,} ids were. Pass it in ids=.",
                ids=[name],
            )
        row = self._places[name]
        columns = (self.neighbours[row], self.scores[row], self.shares[row])
        return tuple(
            StableNeighbour(self.reference.ids[place], score, share)
            for place, score, share in zip(*(column.tolist() for column in columns), strict=True)
        )

    def least(self, count: int = 10) -> tuple[tuple[Id, float], ...]:
        """Return the ids whose neighbours stay least, with the share, least stable first.

        Parameters
        ----------
        count : int
            At least 1.

        Returns
        -------
        tuple of (str or int, float)
            Ties in the order of ``ids``.

        Raises
        ------
        InputError
            If count is not an int of at least 1.
        """
        return self._ordered(self.per_id, count)

    def most(self, count: int = 10) -> tuple[tuple[Id, float], ...]:
        """Return the ids whose neighbours stay most, with the share, most stable first.

        Parameters
        ----------
        count : int
            At least 1.

        Returns
        -------
        tuple of (str or int, float)
            Ties in the order of ``ids``.

        Raises
        ------
        InputError
            If count is not an int of at least 1.
        """
        return self._ordered(-self.per_id, count)

    def _ordered(self, keys: NDArray[np.float64], count: int) -> tuple[tuple[Id, float], ...]:
        wanted = whole_number("count", count, 1)
        order = np.argsort(keys, kind="stable")  # NaN comes last
        order = order[~np.isnan(keys[order])][:wanted]
        return tuple((self.ids[place], float(self.per_id[place])) for place in order.tolist())

    def __str__(self) -> str:
        def shown(pairs: Iterable[tuple[Id, float]]) -> str:
            return ", ".join(f"{id} {share:.0%}" for id, share in pairs)

        each = ", ".join(f"{share:.1%}" for share in self.each_mean)
        lines = [
            f"{self.mean:.1%} of the {self.k} nearest stay, {len(self.ids):,} ids asked about",
            f"  by retrain {each}; Jaccard {self.jaccard:.3f}",
            f"  most stable: {shown(self.most(_EXAMPLES))}",
            f"  least stable: {shown(self.least(_EXAMPLES))}",
        ]
        if any(self.missing):
            lines.append(f"  ids that retrains lack: {', '.join(map(str, self.missing))}")
        return "\n".join(lines)


def stability(
    data: object,
    learner: _Learner,
    replicas: int = 3,
    k: int = 10,
    *,
    ids: Sequence[Id] | None = None,
    seed: int = 0,
) -> Stability:
    """Learn a space again with other seeds, and tell which neighbours stay.

    Use it before anything is read into a neighbour: what few retrains confirm is chance.

    Parameters
    ----------
    data : Corpus, Graph or Interactions
        What ``learner.fit`` takes.
    learner : learner
        With a setting ``seed``. If it is fitted (on this data, by ``fit`` alone), its space is the
        reference, else a clone of it is fitted for that; the learner itself is not changed. Of
        ALS the items are looked at.
    replicas : int
        How often to learn again, at least 1.
    k : int
        How many neighbours to look at, at least 1.
    ids : sequence of str or int, optional
        Whose neighbours; all when left out.
    seed : int
        The seeds of the retrains are drawn from it.

    Returns
    -------
    Stability
        ``print`` it, or ask ``.of(id)``, ``.mean``, ``.least()``, ``.most()``.

    Raises
    ------
    InputError
        If an argument is not such, an id repeats, the space has fewer than two ids, ``fit``
        refuses the data or learns no id of the reference, or the learner was changed since its
        ``fit``: by ``partial_fit``, or by ``set_params`` of more than ``threads``.
    UnknownIdError
        If an id is not in the reference.

    Notes
    -----
    Exact: the neighbours are those of `Embeddings.nearest`. Beside the fits it takes
    O(replicas * ids * n * dims) time, in blocks of about 64 MB, and memory for two spaces. The
    same seed gives the same result where the learner does: with ``threads=1``.

    References
    ----------
    Antoniak, Mimno 2018, section 5.

    Examples
    --------
    >>> from embedry import Corpus, Word2Vec
    >>> corpus = Corpus.from_lines(["the cat sat on the mat", "the dog sat on the rug"] * 50)
    >>> learner = Word2Vec(dims=8, min_count=1, epochs=1, threads=1)
    >>> found = stability(corpus, learner, replicas=2, k=3)
    >>> len(found.ids), len(found.of("cat")), 0 <= found.mean <= 1
    (7, 3, True)
    """
    count, wanted = whole_number("replicas", replicas, 1), check_k(k)
    seeds = _seeds(learner, count, whole_number("seed", seed, 0))
    _check_as_fitted(learner)
    reference = _space_of(learner) or _learned(learner, data, None)
    asked = _asked(reference, ids)
    size = min(wanted, len(reference) - 1)
    metric = as_metric(reference.card.metric)
    near, scores = nearest_of_each(reference.vectors, asked, metric, size)
    stays = np.empty((len(asked), size, count))
    missing = []
    for number, other in enumerate(seeds):
        replica = _learned(learner, data, other)
        stays[:, :, number], lacking = staying(replica, reference, asked, near)
        _check_same_data(reference, lacking)
        missing.append(lacking)
    return Stability(
        tuple(reference.ids[place] for place in asked.tolist()),
        size,
        near,
        scores,
        _mean_known(stays, axis=2),
        stays.mean(axis=1),  # (n, k, replicas) -> (n, replicas)
        reference,
        seeds,
        tuple(missing),
    )


def _seeds(learner: _Learner, count: int, seed: int) -> tuple[int, ...]:
    """Draw seeds that differ from each other and from that of the learner."""
    if isinstance(learner, type):
        raise InputError(
            f"learner must be a learner, not its class {learner.__name__}. "
            f"Pass {learner.__name__}()."
        )
    settings = learner.get_params() if hasattr(learner, "get_params") else {}
    if "seed" not in settings:
        raise InputError(
            f"learner must have settings, seed among them; got {learner!r}. "
            "Pass a Word2Vec, DeepWalk, Node2Vec or ALS."
        )
    generator = np.random.default_rng(seed)
    drawn: dict[int, None] = {}
    while len(drawn) < count:
        value = int(generator.integers(0, 2**31))
        if value != settings["seed"]:
            drawn[value] = None
    return tuple(drawn)


def _check_as_fitted(learner: object) -> None:
    """Refuse a learner whose space is not what its settings and one fit make."""
    again = f"Pass {type(learner).__name__}(**learner.get_params()), which is fitted anew"
    if changed := [name for name in changed_since_fit(learner) if name != "threads"]:
        were = "was" if len(changed) == 1 else "were"
        raise InputError(
            f"The learner must have the settings of its fit; {', '.join(changed)} {were} changed "
            f"since fit. {again}, or set them back."
        )
    space = _space_of(learner)
    if space is not None and space.card.generation:
        raise InputError(
            "The learner must come from one fit, which the retrains repeat; it was grown by "
            f"partial_fit {space.card.generation} times. {again}, with all the data in one."
        )


def _check_same_data(reference: Embeddings, lacking: int) -> None:
    if lacking == len(reference):
        raise InputError(
            f"The data must be what the learner was fitted on; none of the {lacking:,} ids of the "
            "reference is learned from it. Pass the same data."
        )


def _space_of(learner: object) -> Embeddings | None:
    """Return what a learner has learned, or None before fit."""
    for name in ("embeddings_", "item_embeddings_"):
        space = getattr(learner, name, None)
        if isinstance(space, Embeddings):
            return space
    return None


def _learned(learner: _Learner, data: object, seed: int | None) -> Embeddings:
    """Fit a clone, with another seed if one is given; return its space."""
    clone = type(learner)(**learner.get_params())
    space = _space_of((clone if seed is None else clone.set_params(seed=seed)).fit(data))
    if space is None:
        raise InputError(
            f"A fitted learner must have embeddings_ or item_embeddings_; {learner!r} has not."
        )
    return space


def _asked(reference: Embeddings, ids: Sequence[Id] | None) -> NDArray[np.int64]:
    """Return where the ids stand that are asked about."""
    if len(reference) < 2:
        raise InputError(f"A space must have two ids to have neighbours; {reference!r} has not.")
    if ids is None:
        return np.arange(len(reference), dtype=np.int64)
    names = check_ids(ids)
    check_unique(names)
    if not names:
        raise InputError("ids must name at least one id; got none. Leave it out for all.")
    places = {id: place for place, id in enumerate(reference.ids)}
    unknown = [name for name in names if name not in places]
    if unknown:
        shown = ", ".join(map(repr, unknown[:_EXAMPLES]))
        raise UnknownIdError(
            f"{len(unknown)} ids are not in the reference space, such as {shown}.", ids=unknown
        )
    return np.array([places[name] for name in names], np.int64)


def _mean_known(values: NDArray[np.float64], axis: int | None = None) -> NDArray[np.float64]:
    """Return the mean of what is not NaN; NaN, without a warning, where nothing is left."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=axis) / known.sum(axis=axis))
