"""Recommendation: what others used, and what is similar, popular and new, in one score.

Every item of a collection gets parts on one scale: how much a user's taste wants it (learned from
interactions), how near its content lies to what the user has used, and, where asked for, how many
use it and how new it is. Taste and content come from the same past items, so a recommendation can
say which of them caused it.

What it is not: a learner. Taste comes fitted, content is a field of a collection.

References
----------
Hu, Koren, Volinsky 2008, section 5 (shares of past items in a taste score). Bruch, Gai, Ingber
2023 (adding calibrated scores).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from embedry.errors import InputError
from embedry.ids import check_id, check_ids
from embedry.learn.learner import real_number
from embedry.learn.taste.cold.placing import PlacingLearner
from embedry.query import Hits, Plan
from embedry.store.collection import Collection
from embedry.store.metadata.filters import parse_filter
from embedry.use.recommend.diversity import diverse, pool_size
from embedry.use.recommend.hits import Weighed, causes_of, likeness_in_words, made_hits
from embedry.use.recommend.learning import learned
from embedry.use.recommend.making import made_parts
from embedry.use.recommend.parts.content import ContentPart, positions_of, unit_rows
from embedry.use.recommend.parts.placed import embeddings_of
from embedry.use.recommend.parts.taste import TastePart
from embedry.use.recommend.questions import asker_of, candidates_of, question_of, unknown_keys
from embedry.use.recommend.scoring import alike, score_rows, taught
from embedry.use.recommend.weights import as_weights
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.ids import Id
    from embedry.learn.taste.learner import TasteLearner
    from embedry.use.recommend.learning import LearnedWeights
    from embedry.use.recommend.parts.part import Asker, Question
    from embedry.use.recommend.parts.recency import Recency

__all__ = ["Recommender"]


class Recommender:
    """Recommend items of a collection by taste, content, popularity and recency.

    Parameters
    ----------
    collection : Collection
    taste : TasteLearner, or mapping of name to TasteLearner, optional
        Fitted on interactions with items of the collection; several are added up. One learner is
        the part ``"taste"``, several are parts of their names.
    content : str, or iterable of str, optional
        Fields that say which items are similar, of metric cosine or dot. One field is the part
        ``"content"``, several are parts of their names.
    popularity : bool, optional
        True adds the part ``"popularity"``: the logarithm of how many used an item, among those
        that taste was learned from.
    recency : Recency, optional
        Adds the part ``"recency"``: how new an item is.
    weights : mapping of name to float, optional
        What each part counts, scaled to sum to 1. Without it taste weighs 0.7, content 0.3,
        popularity and recency 0.05 each, relative to one another; see `learn_weights`.

    Raises
    ------
    InputError
        If there is no part, a field is missing or of another metric, taste is not fitted or has
        no item of the collection, popularity is asked for without taste, two parts have the same
        name, or weights do not name every part and no other.

    Notes
    -----
    Scales are measured at the first call, and again when taste has learned or a field has
    doubled. An item without taste gets 0 from it, until `learn_placement`: then content says
    where new items lie in taste.

    Examples
    --------
    >>> import tempfile
    >>> from embedry import ALS, Collection, Interactions, Recommender
    >>> users, used = ["ann", "bob", "bob", "eve"], ["plum", "plum", "pear", "car"]
    >>> taste = ALS(dims=2, regularization=0.1).fit(Interactions.from_triples(users, used))
    >>> with tempfile.TemporaryDirectory() as folder, Collection.open(folder) as things:
    ...     done = things.add_field("looks", dims=2)
    ...     looks = [[1, 0], [0.9, 0.1], [0, 1]]
    ...     done = things.upsert(["plum", "pear", "car"], vectors={"looks": looks})
    ...     hit = Recommender(things, taste=taste, content="looks").recommend("ann", k=1)[0]
    >>> hit.id, hit.reason
    ('pear', 'because you used plum; looks 0.99 similar to plum')
    """

    def __init__(
        self,
        collection: Collection,
        *,
        taste: TasteLearner | Mapping[str, TasteLearner] | None = None,
        content: str | Iterable[str] | None = None,
        popularity: bool | None = None,
        recency: Recency | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        if not isinstance(collection, Collection):
            raise InputError(f"collection must be a Collection; got {collection!r}.")
        self.collection = collection
        self._parts = made_parts(collection, taste, content, popularity, recency)
        self._taste = [part for part in self._parts if isinstance(part, TastePart)]
        self._content = [part for part in self._parts if isinstance(part, ContentPart)]
        self._weights = as_weights(self._parts, weights)
        self._taught: tuple[tuple[object, ...], Interactions] | None = None
        self.validations_: tuple[Interactions, ...] = ()  # weights were learned on: no test

    def __repr__(self) -> str:
        weights = ", ".join(f"{name} {weight:.2f}" for name, weight in self._weights.items())
        return f"Recommender({self.collection!r}, {weights})"

    @property
    def weights(self) -> Mapping[str, float]:
        """What each part weighs; they sum to 1."""
        return self._weights

    @property
    def interactions_(self) -> Interactions:
        """What all learners of taste were learned from, with all items of the collection.

        A pair that several learners know is there once, its values added up. Items that only the
        collection knows come last. With `known_items` and `user_scores`, evaluations ask for it.

        Raises
        ------
        InputError
            If there is no taste.
        """
        mirror = self.collection.mirror
        now = (mirror.items.seen, *(part.learner.generation for part in self._taste))
        if self._taught is None or self._taught[0] != now:
            self._taught = now, taught(self._taste, mirror)
        return self._taught[1]

    @property
    def known_items(self) -> NDArray[np.bool_]:
        """Which items of `interactions_` may be recommended: those the collection has, (items,)."""
        return positions_of(self.interactions_.item_ids, self.collection.mirror) >= 0

    def recommend(
        self,
        user: Id | None = None,
        *,
        history: Mapping[Id, float] | Iterable[Id] | None = None,
        k: int = 10,
        where: Mapping[str, object] | None = None,
        exclude: Iterable[Id] = (),
        exclude_seen: bool = True,
        diversity: float = 0.0,
    ) -> Hits:
        """Return the k items a user would want most.

        Parameters
        ----------
        user : str or int, optional
            A user that taste was learned from.
        history : iterable of ids, or mapping of id to value, optional
            What anybody has used, instead of a user; a value of 1 each unless given. Items that
            only the collection knows count for content alone, items that only taste knows for
            taste alone; items nobody knows are named in ``hits.unknown``. An empty one is a
            visitor's: popularity and recency then decide.
        k : int
            At least 1; k larger than the number of items left gives all of them.
        where : mapping, optional
            A filter on metadata; see `Collection.search`.
        exclude : iterable of ids
            Items to leave out; those that the collection lacks change nothing.
        exclude_seen : bool
            Leave out what was used already.
        diversity : float
            In [0, 1]. Above 0, items are chosen one after the other by maximal marginal
            relevance: the more of it, the less alike are neighbours of the list in the first
            field of content. Scores stay as they are; the order changes, and the plan says so.

        Returns
        -------
        Hits
            Best first, ties by insertion order. ``hit.parts`` sum to the score; a part is 0 for
            an item of which it knows nothing, and for all items where it knows nothing of the
            asker; ``hits.plan.lacking`` counts those. ``hit.because`` names the past items with
            the largest exact shares of taste and content, ``hit.reason`` tells in words.

        Raises
        ------
        InputError
            If not exactly one of user and history is given, the user has used nothing, the
            history repeats an item, or is empty without popularity or recency, a value is not a
            finite number above 0, k is below 1, diversity is out of range or asked for without
            content, or recency finds a key of another kind.
        UnknownIdError
            If the user was not learned, or no item of the history is known.
        FilterError
            If ``where`` cannot be read.

        Notes
        -----
        Exact: O(items dims) time; with diversity over the best max(100, 5 k).
        """
        k, left_out = check_k(k), check_ids(exclude)
        diversity = real_number("diversity", diversity, 0, 1)
        if diversity and not self._content:
            raise InputError("Diversity is measured in a field; there is none. Pass content=.")
        asker = self._asker(user, history)
        asked = None if where is None else parse_filter(where)
        mirror = self.collection.mirror
        with mirror.lock:  # positions and vectors of one moment
            question = question_of(asker, mirror, self._parts, asked)
            allowed, weighed = mirror.allowed(asked), self._weighed(question)
            seen = question.positions if exclude_seen else question.positions[:0]
            candidates = candidates_of(mirror, allowed, seen, left_out)
            found = weighed.best(candidates, pool_size(k) if diversity else k)
            pool = len(found) if diversity else None
            if diversity:
                rows = unit_rows(mirror, self._content[0].field, found)
                found = found[diverse(weighed.total[found], rows, k, diversity)]
            causes = causes_of(question, weighed, found)
            keys = unknown_keys(asked, mirror)
        plan = Plan(
            *("recommend", self._field, "exact scan + mmr" if diversity else "exact scan"),
            *(int(np.count_nonzero(allowed)), pool),
            unknown_keys=keys,
            lacking=weighed.lacking(candidates),
            diversity=diversity,
        )
        return Hits(
            made_hits(self.collection, weighed, found, causes), asker.words, plan, asker.unknown
        )

    def similar(
        self,
        item: Id,
        *,
        k: int = 10,
        where: Mapping[str, object] | None = None,
        exclude: Iterable[Id] = (),
    ) -> Hits:
        """Return the k items most like one, by who uses them and by content.

        Parameters
        ----------
        item : str or int
            Known to the collection or to taste.
        k : int
            At least 1.
        where, exclude
            As in `recommend`.

        Returns
        -------
        Hits
            Best first, ties by insertion order, itself left out. The parts are those of taste
            and content, by the same weights, and sum to the score; popularity and recency are no
            likeness, and do not count.

        Raises
        ------
        InputError
            If it is no id, k is below 1, or there is neither taste nor content that weighs
            anything.
        UnknownIdError
            If neither taste nor a field knows the item.
        FilterError
            If ``where`` cannot be read.

        Notes
        -----
        Exact: O(items dims) time.
        """
        k, id, left_out = check_k(k), check_id(item), check_ids(exclude)
        asked = None if where is None else parse_filter(where)
        mirror = self.collection.mirror
        with mirror.lock:
            allowed = mirror.allowed(asked)
            weighed = alike(self._parts, self._weights, id, mirror)
            itself = positions_of([id], mirror)
            candidates = candidates_of(mirror, allowed, itself, left_out)
            found = weighed.best(candidates, k)
            causes = [((), likeness_in_words(weighed, place)) for place in found.tolist()]
            keys = unknown_keys(asked, mirror)
        passed = int(np.count_nonzero(allowed))
        plan = Plan(
            *("recommend", self._field, "exact scan", passed),
            unknown_keys=keys,
            lacking=weighed.lacking(candidates),
        )
        return Hits(made_hits(self.collection, weighed, found, causes), f"id {id!r}", plan)

    def user_scores(self, users: Sequence[Id]) -> NDArray[np.float32]:
        """Return the score of every item for many users, as an evaluation asks for them.

        Parameters
        ----------
        users : sequence of n ids

        Returns
        -------
        ndarray (n, items), float32
            In the order of the items of `interactions_`; what was seen is scored like the rest,
            what the collection lacks is minus infinity.

        Raises
        ------
        InputError, UnknownIdError
            As `recommend`.

        Notes
        -----
        One user after the other. Memory: 4 bytes a user and item.
        """
        return self._score_rows([self._asker(user, None) for user in check_ids(users)])

    def history_scores(
        self, histories: Sequence[Mapping[Id, float] | Iterable[Id]]
    ) -> NDArray[np.float32]:
        """Return the score of every item for many histories, as an evaluation asks for them.

        Parameters
        ----------
        histories : sequence of n histories
            As in `recommend`.

        Returns
        -------
        ndarray (n, items), float32
            As `user_scores`.

        Raises
        ------
        InputError, UnknownIdError
            As `recommend`.
        """
        return self._score_rows([self._asker(None, history) for history in histories])

    def learn_weights(
        self, validation: Interactions, *, k: int = 10, users: int = 500, seed: int = 0
    ) -> LearnedWeights:
        """Learn what each part should weigh from what users took next, and use it from now on.

        Parameters
        ----------
        validation : Interactions
            Of users that taste knows, held out from its training.
        k : int
            How long the lists are that NDCG looks at.
        users : int
            How many users to ask at most; drawn by the seed.
        seed : int

        Returns
        -------
        LearnedWeights
            Also the NDCG before and after; on these users never worse than before.

        Raises
        ------
        InputError
            If validation is none or holds a pair that taste was trained on, there is no taste,
            no user can be asked, or a number is out of range.

        Notes
        -----
        Ranked are the 100 best unseen items of each part and those held out, so the NDCG lies
        somewhat above that of a full ranking. Some seconds for 500 users. Validations are kept in
        ``validations_``, so that evaluations can refuse pairs of theirs.
        """
        found = learned(
            self._parts, self.collection, self._weights, validation, k=k, users=users, seed=seed
        )
        self._weights = found.weights
        self.validations_ = *self.validations_, validation
        return found

    def learn_placement(self, *, weights: Mapping[str, float] | None = None) -> Self:
        """Learn from content where new items lie in taste, and place them from now on.

        Each learner of taste that can (`ALS`, `BPR`, `ItemVec`) learns how the fields of content
        foretell it. From then on an item that nobody has used is wanted by those who want what
        is like it, from the moment it is upserted. In `ALS` its first users and its content both
        have a say until twenty have used it. The map stays with the learner, also in its file,
        until the learner is fitted again.

        Parameters
        ----------
        weights : mapping of field to float, optional
            What each field counts; 1 each unless given.

        Returns
        -------
        Recommender
            Itself.

        Raises
        ------
        InputError
            If there is no content, no learner of taste that can place items, a weight is out of
            range, or fewer than 30 items have both users and content.

        Notes
        -----
        Some seconds for 2,000 items or more; see `PlacingLearner.learn_placement`.
        """
        placers = [one.learner for one in self._taste if isinstance(one.learner, PlacingLearner)]
        if not placers or not self._content:
            raise InputError(
                "To place new items there must be content, and taste of vectors such as ALS; pass "
                "both content= and taste=."
            )
        mirror = self.collection.mirror
        with mirror.lock:
            fields = [mirror.fields[part.field] for part in self._content]
            alive = np.flatnonzero(mirror.items.alive)
            content = {one.name: embeddings_of(one, mirror, alive) for one in fields}
        maps = [learner.placement_from(content, weights=weights) for learner in placers]
        for learner, placement in zip(placers, maps, strict=True):  # all or none
            learner.placement_ = placement
        return self

    @property
    def _field(self) -> str | None:
        return ", ".join(part.field for part in self._content) or None

    def _weighed(self, question: Question) -> Weighed:
        return Weighed({part: part.answer(question) for part in self._parts}, self._weights)

    def _asker(self, user: Id | None, history: Mapping[Id, float] | Iterable[Id] | None) -> Asker:
        return asker_of(user, history, self._parts, self.collection)

    def _score_rows(self, askers: list[Asker]) -> NDArray[np.float32]:
        items = self.interactions_.item_ids
        return score_rows(self._parts, self._weights, askers, items, self.collection.mirror)
