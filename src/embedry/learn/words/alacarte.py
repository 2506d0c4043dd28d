"""A la carte: a new word is placed by the words around it.

What it is: the mean of the vectors around each known word, from a pass over a part of the text;
the map from there to the word's own vector; the same mean of a few occurrences of frequent words,
by which the map is judged; and that of a new word. What it is not: the fitting, which words and
nodes share; see ``embedry.learn.place``.

References
----------
Khodak, Saunshi, Liang, Ma, Stewart, Arora 2018, A La Carte Embedding: Cheap but Effective
Induction of Semantic Feature Vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from embedry.data.corpus import tokenize
from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.learn.place import FOLDS, LEAST, Placed, PlacingEvidence, PlacingItems, PlacingMap
from embedry.learn.trainer import Sentences
from embedry.learn.words.documents import weighted_sum
from embedry.learn.words.space import checked_texts
from embedry.learn.words.vocabulary import sentences_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.data.corpus import Corpus
    from embedry.learn.words.space import WordSpace
    from embedry.learn.words.vocabulary import Vocabulary

__all__ = ["ContextMap", "context_map"]

_Int = TypeVar("_Int", np.int32, np.int64)
_TOKENS = 1_000_000  # of a text that the map is fitted on, at most
_PIECES = 100  # that they are taken in, evenly spread
_WORDS = 5_000  # that it is fitted on, at most
_SHARE = 0.25  # of all occurrences of a word so far that a text must hold to say where it goes
_JUDGED = 500  # words that it is judged by, at most
_FREQUENT = 40  # occurrences in what is looked at, for a word to be judged by
_FEW = 64  # of them that it is placed by, at most


@dataclass(frozen=True, eq=False)
class ContextMap:
    """Places words by their contexts.

    Attributes
    ----------
    window : int
        How many words to each side count; words that are not known are dropped before.
    evidence : PlacingEvidence
        Of all texts so far.
    """

    window: int
    evidence: PlacingEvidence

    @cached_property
    def fitted(self) -> PlacingMap | None:
        """The map; None where too little is known."""
        return self.evidence.fitted()

    def place(
        self, space: WordSpace, words: Sequence[str], contexts: Sequence[Sequence[str]]
    ) -> Placed:
        """Place words; see `embedry.Word2Vec.place`."""
        least = min(len(space.embeddings), self.evidence.items)
        if self.fitted is None or least < LEAST:
            raise InputError(
                f"To place words, {LEAST} must have been learned beside others; {least} were. "
                "Use partial_fit with the new text."
            )
        names = checked_texts(words, "words")
        many = hasattr(contexts, "__iter__") and not isinstance(contexts, str)
        given = list(contexts) if many else []  # a generator is read once
        if not many or len(given) != len(names):
            raise InputError(
                f"contexts must hold one sequence of texts for each of the {len(names)} words; "
                f"got {contexts!r:.60}. Pass [[text, text], ...]."
            )
        features = np.zeros((len(names), space.embeddings.dims))
        support = np.zeros(len(names))
        for place, (word, texts) in enumerate(zip(names, given, strict=True)):
            around = checked_texts(texts, f"contexts[{place}]")
            features[place], support[place] = self._feature(space, word, around)
        vectors = self.fitted.vectors(features.astype(np.float32))
        return Placed(
            Embeddings(names, vectors, space.embeddings.card), self.fitted.confidence(support)
        )

    def _feature(
        self, space: WordSpace, word: str, texts: list[str]
    ) -> tuple[NDArray[np.float32], int]:
        """Return the mean of what stands around a word, and how often it stands there."""
        name = tokenize(word, space.tokenizer)
        around: list[NDArray[np.int64]] = []
        for text in texts:
            tokens = tokenize(text, space.tokenizer)
            found = _occurrences(tokens, name)
            if not found:
                raise InputError(
                    f"Each context must hold its word; {text!r:.80} lacks {word!r}. "
                    "Pass texts that the word occurs in."
                )
            ids = np.array([space.ids.get(token, -1) for token in tokens])
            around += _near(ids, found, len(name), self.window)
        near = np.concatenate([np.empty(0, np.int64), *around])
        if not near.size:
            raise InputError(
                f"At least one word beside {word!r} must be known in its contexts; none is. "
                "Pass more contexts."
            )
        counted = np.unique(near, return_counts=True)
        total = weighted_sum(space.embeddings.vectors, space.weights, *counted)
        return total / np.float32(len(near)), sum(ids.size > 0 for ids in around)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a file needs; `from_arrays` reads it."""
        evidence = self.evidence
        return {
            "placing_grams": evidence.grams,
            "placing_crosses": evidence.crosses,
            "placing_reached": evidence.reached,
            "placing_items": np.array([evidence.items]),
            "placing_window": np.array([self.window]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ContextMap:
        """Read what `arrays` gave; ``KeyError`` where it is damaged."""
        sums = (arrays[f"placing_{name}"] for name in ("grams", "crosses", "reached"))
        evidence = PlacingEvidence(int(arrays["placing_items"][0]), *sums)
        return cls(int(arrays["placing_window"][0]), evidence)


def _occurrences(tokens: list[str], name: list[str]) -> list[int]:
    """Return where a word, which may be several tokens, begins."""
    width = len(name)
    return [
        at for at in range(len(tokens) - width + 1) if width and tokens[at : at + width] == name
    ]


def _near(
    ids: NDArray[np.int64], places: list[int], width: int, window: int
) -> list[NDArray[np.int64]]:
    """Return the known ids within the window of each place; those that are none are dropped."""
    kept = np.flatnonzero(ids >= 0)
    begins = np.searchsorted(kept, places).tolist()
    ends = np.searchsorted(kept, np.add(places, width)).tolist()
    return [
        ids[np.append(kept[max(0, begin - window) : begin], kept[end : end + window])]
        for begin, end in zip(begins, ends, strict=True)
    ]


def context_map(
    space: WordSpace,
    corpus: Corpus,
    vocabulary: Vocabulary,
    window: int,
    before: ContextMap | None,
) -> ContextMap:
    """Fit the map from contexts to vectors.

    Parameters
    ----------
    space : WordSpace
    corpus : Corpus
        A million tokens of it at most, evenly spread, are looked at.
    vocabulary : Vocabulary
        Made for this corpus.
    window : int
    before : ContextMap or None
        Of earlier texts, to which this one is added; it keeps its window.

    Returns
    -------
    ContextMap

    Notes
    -----
    Fitted on the means of all contexts of at most 5,000 words, spread evenly by frequency, of
    which this text holds a quarter of all occurrences so far or more: few contexts say little of
    a word that many were seen of, and many such texts would fit the map to few contexts. What
    few contexts are worth is measured where the truth is well known: on at most 500 words that
    occur 40 times or more, each placed by 1, 2, 4, ... 64 of its contexts drawn at random (at
    most half of them), by the map of the words of other folds.
    """
    dims = space.embeddings.dims
    if before is None:
        before = ContextMap(window, PlacingEvidence.none(dims, dims))
    text = _looked_at(corpus, vocabulary)
    judged = _judged(space, text, before.window)
    known = _known(space, text, before.window, _told(corpus, vocabulary))
    return ContextMap(before.window, before.evidence.joined(known, judged))


def _looked_at(corpus: Corpus, vocabulary: Vocabulary) -> Sentences:
    """Return up to a million tokens of a corpus, in pieces that begin with a sentence."""
    size = -(-_TOKENS // _PIECES)
    begins = np.linspace(0, max(0, corpus.token_count - size), _PIECES).astype(np.int64)
    if corpus.token_count <= _TOKENS:
        begins, size = begins[:1], corpus.token_count
    found: list[Sentences] = []
    last = 0
    for begin in begins.tolist():
        start = int(corpus.offsets[np.searchsorted(corpus.offsets, begin)])
        first = max(last, start if start - begin < size else begin)  # or within a long one
        last = max(first, min(first + size, corpus.token_count))
        found += sentences_of(corpus, vocabulary, first, last)
    ends = np.cumsum([0, *(len(some.tokens) for some in found)])
    offsets = [some.offsets[:-1] + end for some, end in zip(found, ends[:-1], strict=True)]
    tokens = np.concatenate([some.tokens for some in found])
    return Sentences(tokens, np.concatenate([*offsets, ends[-1:]]), len(tokens))


def _told(corpus: Corpus, vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """Say of which words a text holds a fair share of all occurrences so far, (words,)."""
    own = np.zeros(len(vocabulary), np.int64)
    present = vocabulary.id_of >= 0
    own[vocabulary.id_of[present]] = corpus.counts[present]
    return np.asarray(own >= _SHARE * vocabulary.counts)


def _known(space: WordSpace, text: Sentences, window: int, told: NDArray[np.bool_]) -> PlacingItems:
    """Return what the map is fitted on: words by the mean of all their contexts."""
    from embedry.kernels.sampling.contexts import add_contexts

    present = np.unique(text.tokens)
    asked = _spread(present[told[present]], _WORDS)
    vectors = space.embeddings.vectors
    slot_of = np.full(len(vectors), -1, np.int32)
    slot_of[asked] = np.arange(len(asked))
    sums = np.zeros((len(asked), vectors.shape[1]))
    around, seen = np.zeros(len(asked), np.int64), np.zeros(len(asked), np.int64)
    tables = (vectors, space.weights, text.tokens, text.offsets)
    add_contexts(*tables, window, slot_of, sums, around, seen)
    sums /= np.maximum(around, 1)[:, None]
    some = seen > 0
    asked, seen = asked[some], seen[some]
    features = sums if some.all() else sums[some]
    return PlacingItems(features, vectors[asked], seen, _fold(asked))


def _judged(space: WordSpace, text: Sentences, window: int) -> PlacingItems:
    """Return what the map is judged by: frequent words by the means of few of their contexts."""
    counts = np.bincount(text.tokens, minlength=len(space.counts))
    words = _spread(np.flatnonzero(counts >= _FREQUENT), _JUDGED)
    order = np.argsort(text.tokens, kind="stable")
    ends = np.cumsum(counts)
    generator = np.random.default_rng(0)
    rows: list[NDArray[np.float64]] = [np.zeros((0, space.embeddings.dims))]
    ids: list[int] = []
    support: list[int] = []
    for word in words.tolist():
        places = order[ends[word] - counts[word] : ends[word]]
        places = generator.permutation(places)[: min(_FEW, len(places) // 2)]
        sums, near = _contexts(space, text, places, window)
        sums, around = np.cumsum(sums, axis=0), np.cumsum(near)  # by the first 1, 2, 3, ...
        few = 2 ** np.arange(len(places).bit_length())
        few = few[around[few - 1] > 0]
        rows.append(sums[few - 1] / around[few - 1, None])
        ids += [word] * len(few)
        support += few.tolist()
    own = np.array(ids, np.int64)
    vectors = space.embeddings.vectors[own]
    return PlacingItems(np.concatenate(rows), vectors, np.array(support, np.int64), _fold(own))


def _contexts(
    space: WordSpace, text: Sentences, places: NDArray[np.int64], window: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what `add_contexts` adds up at some places: a row each, and of how many words."""
    sentence = np.searchsorted(text.offsets, places, side="right")
    first, last = text.offsets[sentence - 1], text.offsets[sentence]
    steps = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    near = places[:, None] + steps  # (places, 2 * window)
    inside = (near >= first[:, None]) & (near < last[:, None])
    ids = text.tokens[np.where(inside, near, 0)]
    weights = np.where(inside, space.weights[ids], np.float32(0))
    # (places, 1, 2 * window) @ (places, 2 * window, dims) -> (places, 1, dims)
    sums = weights[:, None, :] @ space.embeddings.vectors[ids]
    return sums[:, 0].astype(np.float64), inside.sum(axis=1)


def _spread(ids: NDArray[_Int], most: int) -> NDArray[_Int]:
    """Return at most so many of some ids, evenly spread."""
    return ids[np.unique(np.linspace(0, len(ids) - 1, min(most, len(ids))).astype(np.int64))]


def _fold(ids: NDArray[np.int32] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the fold of each word, the same in every text (Fibonacci hashing)."""
    return np.asarray((ids.astype(np.int64) * 2654435761 >> 16) % FOLDS)
