"""Word2Vec: a space of words, learned from text by predicting the words around each word.

Skip-gram with negative sampling. The space also takes documents, as the frequency-weighted mean
of their words, so a fitted Word2Vec is an encoder and can be the ``encoder=`` of a field.

What it is not: contextual. A word has one vector, whatever stands around it.

References
----------
Mikolov, Sutskever, Chen, Corrado, Dean 2013, Distributed Representations of Words and Phrases
and their Compositionality. Arora, Liang, Ma 2017, A Simple but Tough-to-Beat Baseline for
Sentence Embeddings (documents).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embedry.card import Card, fingerprint
from embedry.data.corpus import Corpus, tokenize
from embedry.embeddings import Embeddings
from embedry.encode.encoder import Encoded
from embedry.errors import FileFormatError, InputError
from embedry.ids import pack_ids, unpack_ids
from embedry.learn.learner import Learner, real_number, whole_number
from embedry.learn.modelfile import read_model, write_model
from embedry.progress import bar
from embedry.threads import run_in_threads, thread_count
from embedry.vectors import as_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from threading import Event

    from numpy.typing import NDArray

    from embedry.data.corpus import Tokenizer

__all__ = ["Word2Vec"]

_KIND = "word2vec"
_ROLES = ("word", "document", "query")
_SMOOTHING = 1e-3  # a of Arora et al.: how fast frequent words lose weight in a document
_SENTENCES_FOR_DIRECTION = 10_000
_TOKENS_AT_ONCE = 200_000  # between two looks at the progress bar and at Ctrl-C
_LOWEST_RATE = 1e-4
_FLATTENING = 0.75  # exponent of the counts that negatives are drawn by
_MOST_DRAWS = 1 << 22  # entries of the table of negatives
_DRAWS_A_WORD = 1000  # shuffling more takes longer than learning a small text


@dataclass(frozen=True)
class _Vocabulary:
    """The words that are learned, most frequent first, and the text in their codes."""

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]


@dataclass(frozen=True)
class _Part:
    """The sentences of one thread: how many tokens, where to look up, and its own dice."""

    tokens: int
    cuts: list[int]
    generator: np.random.Generator


class Word2Vec(Learner):
    """Learn a vector for each word of a corpus.

    Parameters
    ----------
    dims : int
        The width of a vector.
    window : int
        How many words on each side are predicted, at most: for each word the reach is drawn
        from 1..window, so that near words count more.
    negative : int
        How many random words each true one is told from, in [1, 50].
    sample : float
        Words more frequent than this share of the text are skipped at random, the more so the
        more frequent they are; 0 skips none.
    min_count : int
        Rarer words are left out.
    epochs : int
        How often the corpus is gone through.
    learning_rate : float
        Falls linearly to 0.0001.
    seed : int
    threads : int or None
        None takes the cores allowed. Only ``threads=1`` gives the same bytes each time: threads
        share the vectors without locks (Recht et al. 2011, Hogwild).

    Attributes
    ----------
    embeddings_ : Embeddings
        The words, most frequent first.
    counts_ : ndarray (words,), int64
        How often each occurs in the corpus.
    left_out_ : int
        Tokens of words rarer than ``min_count``.

    Notes
    -----
    Memory while learning: 4 bytes a token (17 for a moment, while rare words are left out), and
    8 bytes a word and dim. The kernel is compiled at
    the first use on a machine (some seconds) and cached.

    Examples
    --------
    >>> from embedry import Corpus, Word2Vec
    >>> corpus = Corpus.from_lines(["the cat sat on the mat", "the dog sat on the rug"] * 50)
    >>> words = Word2Vec(dims=16, min_count=1, epochs=2, threads=1).fit(corpus)
    >>> len(words.embeddings_), words.embeddings_.dims
    (7, 16)
    """

    embeddings_: Embeddings
    counts_: NDArray[np.int64]
    left_out_: int
    _common: NDArray[np.float32]
    _tokenizer: Tokenizer

    def __init__(
        self,
        dims: int = 100,
        *,
        window: int = 5,
        negative: int = 5,
        sample: float = 1e-3,
        min_count: int = 5,
        epochs: int = 5,
        learning_rate: float = 0.025,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.dims = dims
        self.window = window
        self.negative = negative
        self.sample = sample
        self.min_count = min_count
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.seed = seed
        self.threads = threads

    def fit(self, corpus: Corpus, y: object = None) -> Self:  # noqa: ARG002
        """Learn from a corpus.

        Parameters
        ----------
        corpus : Corpus
        y : ignored
            For scikit-learn's sake.

        Returns
        -------
        Word2Vec
            Itself, fitted.

        Raises
        ------
        InputError
            If a setting is out of range, ``corpus`` is no corpus, fewer than two words occur
            ``min_count`` times, or no sentence holds two of them.
        """
        self._check_settings()
        if not isinstance(corpus, Corpus):
            raise InputError(
                f"fit takes a Corpus; got {type(corpus).__name__}. "
                "Make one with Corpus.from_file(path) or Corpus.from_lines(lines)."
            )
        vocabulary = _vocabulary(corpus, self.min_count)
        vectors = self._trained(vocabulary)
        common = _common_direction(vectors, vocabulary)
        card = self._card(vocabulary, vectors, common, corpus.tokenizer)
        self.embeddings_ = Embeddings(vocabulary.words, vectors, card)
        self.counts_ = vocabulary.counts
        self.left_out_ = corpus.token_count - len(vocabulary.tokens)
        self._common = common
        self._tokenizer = corpus.tokenizer
        self._fitted_with = self._plain_settings()
        return self

    def _check_settings(self) -> None:
        whole_number("dims", self.dims, 1, 4096)
        whole_number("window", self.window, 1, 50)
        whole_number("negative", self.negative, 1, 50)
        whole_number("min_count", self.min_count, 1)
        whole_number("epochs", self.epochs, 1)
        whole_number("seed", self.seed, 0)
        real_number("sample", self.sample, 0, 1)
        real_number("learning_rate", self.learning_rate, 1e-6, 1)
        thread_count(self.threads)

    def _card(
        self,
        text: _Vocabulary,
        vectors: NDArray[np.float32],
        common: NDArray[np.float32],
        tokenizer: Tokenizer,
    ) -> Card:
        settings = {**self._plain_settings(), "threads": thread_count(self.threads)}
        content = fingerprint(
            _KIND, list(text.words), vectors, text.counts, common, tokenizer, _SMOOTHING
        )
        return Card(
            _KIND, int(self.dims), "cosine", content, _ROLES, settings=tuple(settings.items())
        )

    def _trained(self, text: _Vocabulary) -> NDArray[np.float32]:
        from embedry.kernels import sgns
        from embedry.kernels.simd import aligned

        generator = np.random.default_rng(self.seed)
        vectors = aligned(len(text.words), self.dims)
        start = generator.random((len(text.words), self.dims), np.float32)
        vectors[:, : self.dims] = (start - np.float32(0.5)) / np.float32(self.dims)
        contexts = aligned(len(text.words) + 1, self.dims)
        plan = sgns.SkipGram(
            keep=sgns.keep_thresholds(text.counts, self.sample),
            negatives=sgns.negative_table(
                text.counts,
                _FLATTENING,
                generator,
                size=min(_MOST_DRAWS, _DRAWS_A_WORD * len(text.words)),
            ),
            total_tokens=len(text.tokens) * self.epochs,
            window=self.window,
            negative=self.negative,
            learning_rate=self.learning_rate,
            min_learning_rate=min(_LOWEST_RATE, self.learning_rate),
        )
        sgns.check_ids(text.tokens, text.offsets, len(text.words))

        def learn(part: _Part, stop: Event) -> None:
            own = replace(plan, total_tokens=part.tokens * self.epochs)
            state = sgns.start_state(part.generator)
            for _ in range(self.epochs):
                for first, last in pairwise(part.cuts):
                    if stop.is_set():
                        return
                    sgns.train(
                        vectors, contexts, text.tokens, text.offsets, first, last, own, state
                    )
                    advance(int(text.offsets[last] - text.offsets[first]))

        with bar("Learning words", plan.total_tokens) as advance:
            parts = _parts(text.offsets, thread_count(self.threads), generator)
            run_in_threads([partial(learn, part) for part in parts])
        return vectors[:, : self.dims].copy()

    def encode(self, items: Sequence[str], role: str = "document") -> Encoded:
        """Place texts: the mean of their words, frequent ones weighing less.

        Parameters
        ----------
        items : sequence of n str
        role : {"document", "query", "word"}
            All are placed alike; a word is a document of one word.

        Returns
        -------
        Encoded
            vectors (n, dims) float32, in order; a text without a known word gets zeros.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If an item is not a str, or there is no such role.

        Notes
        -----
        A word w weighs a / (a + p(w)), a = 0.001; then the direction that sentences have in
        common is taken away (Arora et al. 2017, algorithm 1), where they are two at least and
        ``dims`` leaves another one.
        """
        self._check_fitted("embeddings_")
        if role not in _ROLES:
            raise InputError(f"role must be one of {', '.join(_ROLES)}; got {role!r}.")
        texts = [tokenize(item, self._tokenizer) for item in _checked_texts(items)]
        unknown: dict[str, None] = {}
        code_of = self._codes
        known = []
        for words in texts:
            known.append([code_of[word] for word in words if word in code_of])
            unknown.update((word, None) for word in words if word not in code_of)
        vectors = self._mean(known)
        empty = sum(not words for words in texts)
        return Encoded(vectors, self.card, empty=empty, unknown=tuple(unknown))

    def word_shares(self, text: str, query: NDArray[np.float32]) -> dict[str, float]:
        """Return what each word of a text gives to its score with a vector.

        Parameters
        ----------
        text : str
        query : ndarray (dims,), float32, unit length

        Returns
        -------
        dict of str to float
            In order of appearance, known words only; the values sum to the cosine of the text's
            vector and ``query``. Empty where the text yields no vector.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If ``text`` is not a str, or ``query`` is not a vector of this width.

        Notes
        -----
        Exact: a text's vector is a weighted sum of its words' vectors, less their share of the
        common direction.
        """
        vector = self.encode([text]).vectors[0]
        query = as_row(query, self.card.dims, "query")
        length = float(np.linalg.norm(vector))
        if length == 0:
            return {}
        words = [w for w in tokenize(text, self._tokenizer) if w in self._codes]
        codes = [self._codes[word] for word in words]
        weights = _weights(self.counts_)[codes] / np.float32(len(codes) * length)
        rows = self.embeddings_.vectors[codes]
        rows = rows - np.outer(rows @ self._common, self._common)
        shares: dict[str, float] = {}
        for word, share in zip(words, (weights * (rows @ query)).tolist(), strict=True):
            shares[word] = shares.get(word, 0.0) + share
        return shares

    @property
    def card(self) -> Card:
        """The space of the words; `NotFittedError` before ``fit``."""
        self._check_fitted("embeddings_")
        return self.embeddings_.card

    @property
    def _codes(self) -> dict[Any, int]:
        return self.embeddings_._places

    def _mean(self, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        weights = _weights(self.counts_)
        means = _means(self.embeddings_.vectors, weights, texts)
        # not by BLAS, whose sums of one row depend on how many there are
        along = np.einsum("nd,d->n", means, self._common)
        means -= np.outer(along, self._common)
        return means

    def save(self, path: str | Path) -> None:
        """Write the learned space into one file; `embedry.load` and `load` read it.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        NotFittedError
            Before ``fit``.
        OSError
            If it cannot be written; what was there stays.
        """
        self._check_fitted("embeddings_")
        arrays: dict[str, NDArray[Any]] = {
            "vectors": self.embeddings_.vectors,
            "counts": self.counts_,
            "common": self._common,
            **pack_ids(self.embeddings_.ids),
        }
        beside = {"_tokenizer": self._tokenizer, "_left_out": self.left_out_}
        write_model(path, self.card, {**self._fitted_with, **beside}, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Word2Vec:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Word2Vec
            Fitted.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is something else, or damaged.
        """
        card, settings, file = read_model(path, _KIND)
        try:
            tokenizer, left_out = settings.pop("_tokenizer"), settings.pop("_left_out")
            words = cls(**settings)
            words._fitted_with = settings
            words._tokenizer, words.left_out_ = tokenizer, int(left_out)
            words.counts_, words._common = file.arrays["counts"], file.arrays["common"]
            words.embeddings_ = Embeddings(unpack_ids(file.arrays), file.arrays["vectors"], card)
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return words


def _checked_texts(items: Sequence[str]) -> list[str]:
    if isinstance(items, str) or not hasattr(items, "__iter__"):
        raise InputError(
            f"items must be a list of str; got a single {type(items).__name__}. Pass [text]."
        )
    texts = list(items)  # a generator is read once
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(
                f"items must all be str; got {text!r} at {place}. Leave it out, or pass its text."
            )
    return texts


def _vocabulary(corpus: Corpus, min_count: int) -> _Vocabulary:
    """Keep the words that are frequent enough, most frequent first, and recode the text."""
    frequent = np.flatnonzero(corpus.counts >= min_count)
    if len(frequent) < 2:
        raise InputError(
            f"At least two words must occur {min_count} times; {len(frequent)} do in {corpus!r}. "
            "Pass more text, or a lower min_count."
        )
    order = frequent[np.argsort(-corpus.counts[frequent], kind="stable")]
    code_of = np.full(len(corpus.words), -1, np.int32)
    code_of[order] = np.arange(len(order), dtype=np.int32)
    recoded = code_of[corpus.tokens]
    kept = recoded >= 0
    before = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
    offsets = before[corpus.offsets]
    if np.diff(offsets).max() < 2:
        raise InputError(
            f"A sentence must hold two words to learn from; none of {corpus!r} does, counting "
            f"words that occur {min_count} times. Pass sentences, or a lower min_count."
        )
    words = tuple(corpus.words[code] for code in order.tolist())
    return _Vocabulary(words, corpus.counts[order], recoded[kept], offsets)


def _parts(offsets: NDArray[np.int64], threads: int, generator: np.random.Generator) -> list[_Part]:
    """Cut the text into a part for each thread, of about as many tokens, and these into bites."""
    edges = np.searchsorted(offsets, np.linspace(0, offsets[-1], threads + 1))
    edges[-1] = len(offsets) - 1
    parts = []
    for (first, last), own in zip(pairwise(edges.tolist()), generator.spawn(threads), strict=True):
        tokens = int(offsets[last] - offsets[first])
        if tokens:
            bites = np.arange(offsets[first], offsets[last], _TOKENS_AT_ONCE)
            cuts = np.unique([*np.searchsorted(offsets, bites).tolist(), first, last])
            parts.append(_Part(tokens, cuts[(cuts >= first) & (cuts <= last)].tolist(), own))
    return parts


def _weights(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    share = counts / counts.sum()
    return np.asarray(_SMOOTHING / (_SMOOTHING + share), np.float32)


def _means(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    texts: Sequence[Sequence[int] | NDArray[np.int32]],
) -> NDArray[np.float32]:
    """Return the weighted mean of the words of each text, (n, dims); zeros for an empty one."""
    means = np.zeros((len(texts), vectors.shape[1]), np.float32)
    for place, codes in enumerate(texts):
        if len(codes):
            # (words,) @ (words, dims) -> (dims,)
            means[place] = weights[codes] @ vectors[codes] / np.float32(len(codes))
    return means


def _common_direction(vectors: NDArray[np.float32], vocabulary: _Vocabulary) -> NDArray[np.float32]:
    """Return the first singular direction of sentence means, (dims,), of unit length.

    It is zero where taking it away would leave nothing: in one dimension, or of one sentence.
    """
    sentences = len(vocabulary.offsets) - 1
    step = max(1, sentences // _SENTENCES_FOR_DIRECTION)
    bounds = zip(vocabulary.offsets[:-1:step], vocabulary.offsets[1::step], strict=False)
    texts = [vocabulary.tokens[first:last] for first, last in bounds if last > first]
    if len(texts) < 2 or vectors.shape[1] < 2:
        return np.zeros(vectors.shape[1], np.float32)
    means = _means(vectors, _weights(vocabulary.counts), texts).astype(np.float64)
    _, directions = np.linalg.eigh(means.T @ means)  # (dims, n) @ (n, dims), values ascending
    return np.asarray(directions[:, -1], np.float32)
