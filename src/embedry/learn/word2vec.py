"""Word2Vec: a space of words, learned from text by predicting the words around each word.

Skip-gram or CBOW with negative sampling, over whole words or with n-grams of characters
(fastText). The space also takes documents, as the frequency-weighted mean of their words, so a
fitted Word2Vec is an encoder and can be the ``encoder=`` of a field. It grows: `partial_fit`
learns on from new text, `place` puts a new word where its contexts say it belongs.

What it is not: contextual. A word has one vector, whatever stands around it.

References
----------
Mikolov, Sutskever, Chen, Corrado, Dean 2013, Distributed Representations of Words and Phrases
and their Compositionality. Mikolov, Chen, Corrado, Dean 2013, Efficient Estimation of Word
Representations in Vector Space (CBOW). Bojanowski, Grave, Joulin, Mikolov 2017 (subwords).
"""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np

from embedry.card import Card, fingerprint
from embedry.data.corpus import Corpus
from embedry.data.text.tokenizer import Tokenizer, rule_of, ruled_by
from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError, InputError
from embedry.ids import pack_ids, unpack_ids
from embedry.learn.growth import Growth, measure_growth
from embedry.learn.learner import Learner, real_number, whole_number
from embedry.learn.modelfile import read_model, write_model
from embedry.learn.trainer import train
from embedry.learn.words.alacarte import ContextMap, context_map
from embedry.learn.words.documents import SMOOTHING, SentenceMoments
from embedry.learn.words.ngrams import NGramRows, Subwords
from embedry.learn.words.space import ROLES, WordSpace
from embedry.learn.words.vocabulary import Vocabulary, parts_of, sentences_of
from embedry.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.encode.encoder import Encoded
    from embedry.learn.place import Placed
    from embedry.learn.words.tables import WordTables

__all__ = ["Architecture", "Word2Vec"]

Architecture = Literal["skipgram", "cbow"]

_KIND = "word2vec"
_LOWEST_RATE = 1e-4
_RATES = {"skipgram": 0.025, "cbow": 0.05}
_SHAPE = ("dims", "architecture", "subwords")  # what partial_fit cannot change


class Word2Vec(Learner):
    """Learn a vector for each word of a corpus.

    Parameters
    ----------
    dims : int
        The width of a vector.
    window : int
        How many words on each side are looked at, at most, in [1, 50]: for each word the reach
        is drawn from 1..window, so that near words count more.
    negative : int
        How many random words each true one is told from, in [1, 50].
    sample : float
        Words more frequent than this share of the text are skipped at random, the more so the
        more frequent they are; 0 skips none.
    min_count : int
        Rarer words are left out.
    epochs : int
        How often the corpus is gone through.
    learning_rate : float, pair of floats, or None
        Falls linearly from the first to the second; a single number falls to 0.0001. None takes
        0.025 for skip-gram and 0.05 for CBOW.
    architecture : {"skipgram", "cbow"}
        Skip-gram tells each word from random ones by every word near it, CBOW by their mean:
        CBOW is quicker, skip-gram better for rare words.
    subwords : Subwords or None
        N-grams of characters that words are made of, so that unseen words get vectors too.
    ns_exponent : float
        Random words are drawn in proportion to their count to this power, in [-1, 1]: 0.75 for
        text, lower or negative where rare items matter (Caselles-Dupre et al. 2018).
    seed : int
    threads : int or None
        None takes the cores allowed. Only ``threads=1`` gives the same bytes each time: threads
        share the vectors without locks (Recht et al. 2011, Hogwild).

    Attributes
    ----------
    embeddings_ : Embeddings
        The words, most frequent first; those that `partial_fit` added stand behind, in their own
        order.
    counts_ : ndarray (words,), int64
        How often each occurs, in all texts so far.
    left_out_ : int
        Tokens of words rarer than ``min_count``, in the last text alone.
    growth_ : Growth or None
        What the last `partial_fit` changed; None after ``fit``.

    Notes
    -----
    Memory while learning, in bytes, with W words (and n-grams) and P = dims rounded up to 16:
    ``8 * W * P`` for the two tables, the corpus (4 a token up to 1 GiB, then a file), and the
    larger of ``4 * min(2**22, 1000 * W)``, the table of negatives, and, once that is gone,
    ``8 * W * dims`` for what is kept of the tables and ``24 * min(W, 5000) * dims + 104 * dims**2``
    to learn how words are placed; some 10 MB a thread, and from two on a table of negatives
    each; with subwords 8 for each n-gram of each word (some 240 a word of English); beside Python
    with its libraries (about 160 MB). Measured at dims 100 to 600: within 15 %. The kernel is
    compiled at the first use (some seconds) and cached. A sentence longer than 200,000 tokens is
    learned in pieces.

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
    growth_: Growth | None
    _space: WordSpace
    _beside: dict[str, NDArray[Any]]  # what training goes on from: contexts, rows of n-grams
    _moments: SentenceMoments  # of all texts so far, as is the map
    _contexts_map: ContextMap

    def __init__(
        self,
        dims: int = 100,
        *,
        window: int = 5,
        negative: int = 5,
        sample: float = 1e-3,
        min_count: int = 5,
        epochs: int = 5,
        learning_rate: float | tuple[float, float] | None = None,
        architecture: Architecture = "skipgram",
        subwords: Subwords | None = None,
        ns_exponent: float = 0.75,
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
        self.architecture = architecture
        self.subwords = subwords
        self.ns_exponent = ns_exponent
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
            ``min_count`` times, no sentence holds two of them, or the learning rate is so high
            that the vectors grow without bound.
        """
        self.check_settings()
        _check_corpus(corpus)
        vocabulary = Vocabulary.of(corpus, self.min_count)
        generator = np.random.default_rng(self.seed)
        from embedry.learn.words.tables import WordTables  # brings the compiler: some 0.3 s

        tables = WordTables.started(
            vocabulary.words,
            int(self.dims),
            self.architecture,
            self.subwords,
            generator,
            thread_count(self.threads),
        )
        self._train(tables, vocabulary, corpus, generator)
        self._keep(tables, vocabulary, corpus, parent=None)
        return self

    def partial_fit(self, corpus: Corpus, y: object = None) -> Self:  # noqa: ARG002
        """Learn on from new text: known words move, new ones are added.

        Before the first ``fit`` it is one. The space becomes a child of what it was: its card
        names the parent and the share of neighbourhoods that survived (by use), ``growth_`` tells
        what moved: of a small text mostly its frequent words, which a lower learning rate (by
        `set_params`) holds where they are. Old and new vectors do not mix by accident; `carry`
        brings old ones over.

        Parameters
        ----------
        corpus : Corpus
            New text, split as the first. Words new to it need ``min_count`` occurrences in it.
        y : ignored

        Returns
        -------
        Word2Vec
            Itself.

        Raises
        ------
        InputError
            As ``fit``; or if dims, architecture or subwords were changed since, or the corpus
            is split by another tokenizer.

        Notes
        -----
        The learning rate starts anew at its first value; a lower one moves known words less.
        Words of the old text that the new one lacks move only as others push them away. The
        direction that documents have in common, and the map that `place` goes by, come from sums
        over all texts, each with the vectors of its time: a text counts by its sentences, and
        tells where those words go of which it holds a quarter of all occurrences. The window of
        the map stays that of the first text.

        Memory in bytes, with V words (and n-grams) known before and W in all: as ``fit`` of W
        words takes, and ``8 * V * dims + 48 * dims**2`` for the parent, which stays until all is
        learned, and
        ``4 * min(2**24, 1000 * V)`` to compare neighbourhoods. Measured at 100,000 words of 300
        dims and 30,000 of 100: within 10 %; with n-grams, within 15 %. To compare takes
        O(1,000 V dims) time, once: some 3 s of one core at 100,000 x 300.
        """
        if not hasattr(self, "embeddings_"):
            return self.fit(corpus)
        self.check_settings()
        _check_corpus(corpus)
        self._check_continues(corpus)
        before = self.embeddings_
        vocabulary = Vocabulary.grown(before.ids, self.counts_, corpus, self.min_count)  # type: ignore[arg-type]
        generator = np.random.default_rng([int(self.seed), before.card.generation + 1])
        tables = self._tables().grown(vocabulary.words, generator, thread_count(self.threads))
        self._train(tables, vocabulary, corpus, generator)
        self._keep(tables, vocabulary, corpus, parent=before)
        return self

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        whole_number("dims", self.dims, 1, 4096)
        whole_number("window", self.window, 1, 50)
        whole_number("negative", self.negative, 1, 50)
        whole_number("min_count", self.min_count, 1)
        whole_number("epochs", self.epochs, 1)
        whole_number("seed", self.seed, 0)
        real_number("sample", self.sample, 0, 1)
        real_number("ns_exponent", self.ns_exponent, -1, 1)
        known = isinstance(self.architecture, str) and self.architecture in get_args(Architecture)
        if not known:
            raise InputError(
                f"architecture must be one of {', '.join(get_args(Architecture))}; "
                f"got {self.architecture!r}."
            )
        if self.subwords is not None and not isinstance(self.subwords, Subwords):
            raise InputError(
                f"subwords must be Subwords or None; got {self.subwords!r}. Pass Subwords(3, 6)."
            )
        self._rates()
        thread_count(self.threads)

    def _rates(self) -> tuple[float, float]:
        """Return the learning rate at the start and at the end."""
        given = _RATES[self.architecture] if self.learning_rate is None else self.learning_rate
        if isinstance(given, (tuple, list)):
            if len(given) != 2:
                raise InputError(f"learning_rate must be a number or a pair; got {given!r}.")
            first = real_number("learning_rate", given[0], 1e-6, 1)
            return first, real_number("the second learning_rate", given[1], 0, first)
        first = real_number("learning_rate", given, 1e-6, 1)
        return first, min(_LOWEST_RATE, first)

    def _check_continues(self, corpus: Corpus) -> None:
        for name in _SHAPE:
            now, then = getattr(self, name), self._fitted_with[name]
            if now != then:
                raise InputError(
                    f"partial_fit must keep {name}={then!r}; it is {now!r} now. "
                    "Set it back, or call fit to learn anew."
                )
        if corpus.tokenizer != self._space.tokenizer:
            raise InputError(
                f"The corpus must be split by {self._space.tokenizer!r}, as the first was; it is "
                f"split by {corpus.tokenizer!r}. Read it with tokenizer={self._space.tokenizer!r}."
            )

    def _train(
        self,
        tables: WordTables,
        vocabulary: Vocabulary,
        corpus: Corpus,
        generator: np.random.Generator,
    ) -> None:
        from embedry.learn.tables import check_steady, sampling_plan

        _check_sentences(corpus, vocabulary)
        first, last = self._rates()
        plan = sampling_plan(
            vocabulary.counts,
            generator,
            window=int(self.window),
            negative=int(self.negative),
            sample=float(self.sample),
            exponent=float(self.ns_exponent),
            rates=(first, last),
        )
        parts = parts_of(corpus, vocabulary, thread_count(self.threads), generator)
        train(tables, plan, vocabulary.counts, parts, int(self.epochs), "Learning words")
        check_steady(tables.tables.vectors, self._rates()[0])

    def _keep(
        self,
        tables: WordTables,
        vocabulary: Vocabulary,
        corpus: Corpus,
        parent: Embeddings | None,
    ) -> None:
        """Make what was learned ours, all at once."""
        vectors = tables.word_vectors()
        vectors.flags.writeable = False  # so that embeddings need no copy of their own
        moments = SentenceMoments.of(vectors, vocabulary, corpus)
        if parent is not None:
            moments = self._moments + moments
        common = moments.common_direction()
        ngrams = tables.ngram_rows()
        pieces = () if ngrams is None else (ngrams.buckets, ngrams.vectors)
        content = fingerprint(
            _KIND, list(vocabulary.words), vectors, vocabulary.counts, common,
            rule_of(corpus.tokenizer), SMOOTHING, *pieces,
        )  # fmt: skip
        settings = {**self._plain_settings(), "threads": thread_count(self.threads)}
        card = Card(
            _KIND, int(self.dims), "cosine", content, ROLES, settings=tuple(settings.items())
        )
        growth = None
        if parent is not None:
            growth = measure_growth(vocabulary.words, parent.vectors, vectors, self.counts_)
            card = replace(
                card,
                parent=parent.card.fingerprint,
                generation=parent.card.generation + 1,
                fidelity=growth.fidelity_by_use,
            )
        embeddings = Embeddings(vocabulary.words, vectors, card)
        space = WordSpace(embeddings, vocabulary.counts, common, corpus.tokenizer, ngrams)
        before = None if parent is None else self._contexts_map
        self._contexts_map = context_map(space, corpus, vocabulary, int(self.window), before)
        self._moments = moments
        self.left_out_ = corpus.token_count - int(corpus.counts[vocabulary.id_of >= 0].sum())
        self.growth_ = growth
        self._beside = tables.arrays()
        self._fitted_with = self._settings()
        self._set_space(space)

    def _tables(self) -> WordTables:
        """Return the tables that training goes on from."""
        from embedry.learn.words.tables import WordTables

        known = self.embeddings_
        arrays = {"vectors": known.vectors, **self._beside}
        then = self._fitted_with
        words = [str(word) for word in known.ids]
        return WordTables.from_arrays(arrays, words, then["architecture"], then["subwords"])

    def _set_space(self, space: WordSpace) -> None:
        self._space = space
        self.embeddings_, self.counts_ = space.embeddings, space.counts

    def _settings(self) -> dict[str, Any]:
        """Return the settings as plain values, but for subwords, as they were given."""
        return {**super()._plain_settings(), "subwords": self.subwords}

    def _plain_settings(self) -> dict[str, Any]:
        """Return the settings as a card can hold them."""
        first, last = self._rates()
        named = None if self.subwords is None else "{}-{} in {}".format(*astuple(self.subwords))
        rates = {"learning_rate": first, "last_learning_rate": last}
        return {**super()._plain_settings(), **rates, "subwords": named}

    def carry(self, embeddings: Embeddings) -> Embeddings:
        """Bring vectors of the space before the last `partial_fit` into the space of now.

        The map is the identity: a vector stays where it was, while words around it have moved.
        How much that is, says ``card.fidelity`` (and ``growth_``).

        Parameters
        ----------
        embeddings : Embeddings
            Of this space's parent.

        Returns
        -------
        Embeddings
            The same vectors with the card of now.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If they are no Embeddings, or not of the parent.
        """
        self._check_fitted("embeddings_")
        if not isinstance(embeddings, Embeddings):
            raise InputError(
                f"embeddings must be Embeddings; got {type(embeddings).__name__}. "
                "Pass Embeddings(ids, vectors, card), with the card of the parent."
            )
        if embeddings.card.fingerprint != self.card.parent:
            raise InputError(
                f"Only vectors of the parent of the {self.card} can be carried; these come from "
                f"the {embeddings.card}. Encode the items anew."
            )
        return Embeddings(embeddings.ids, embeddings.vectors, self.card)

    def place(self, words: Sequence[str], *, contexts: Sequence[Sequence[str]]) -> Placed:
        """Place rare or new words by the texts they stand in, without training.

        A word goes to the mean of the words around it, through a linear map that was fitted on
        the known words. The model itself is not changed.

        Parameters
        ----------
        words : sequence of n str
        contexts : sequence of n sequences of str
            For each word, texts that it occurs in.

        Returns
        -------
        Placed
            Embeddings of this space, and the cosine to expect between each and the vector that
            training on plenty of text would give, by how often the word occurs in its contexts;
            None where fewer than 20 words were frequent enough to measure it.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If there is not one sequence of texts a word, a word comes twice, a text lacks its
            word, a word has no known word beside it in any of its texts, or fewer than 100 words
            were learned to fit the map on.

        Notes
        -----
        The confidence is measured on words that occur 40 times at least, placed by 1, 2, 4, ... 64
        of their contexts drawn at random, by a map that was fitted on other words. The words
        around were trained with them, and contexts from one place tell less than random ones.
        For words removed from a text and judged by a full training (which another seed repeats to
        .86 to .93) it was at most .06 too high and .04 too low, for 1 to 60 contexts, on two
        texts; for the first contexts of each word in the text, up to .15 too high.

        References
        ----------
        Khodak et al. 2018, A La Carte Embedding: Cheap but Effective Induction of Semantic
        Feature Vectors.
        """
        self._check_fitted("embeddings_")
        return self._contexts_map.place(self._space, words, contexts)

    def encode(self, items: Sequence[str], role: str = "document") -> Encoded:
        """Place texts: the mean of their words, frequent ones weighing less.

        Parameters
        ----------
        items : sequence of n str
        role : {"document", "query", "word"}
            Documents and queries are placed alike. A word keeps the direction of its own vector:
            what documents have in common is not taken away.

        Returns
        -------
        Encoded
            vectors (n, dims) float32, in order; a text without a known word gets zeros. With
            subwords, unknown words count by the mean of their n-grams, and as rare.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If an item is not a str, there is no such role, or, with subwords, an unknown word is no
            valid Unicode text (a lone surrogate).

        Notes
        -----
        A word w weighs a / (a + p(w)), a = 0.001; then the direction that sentences have in
        common is taken away (Arora et al. 2017, algorithm 1), where they are two at least and
        ``dims`` leaves another one.
        """
        self._check_fitted("embeddings_")
        return self._space.encode(items, role)

    def word_shares(self, text: str, query: NDArray[np.float32]) -> dict[str, float]:
        """Return what each word of a text gives to its score with a vector.

        Parameters
        ----------
        text : str
        query : ndarray (dims,), float32, unit length

        Returns
        -------
        dict of str to float
            In order of appearance, placed words only; the values sum to the cosine of the text's
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
        self._check_fitted("embeddings_")
        return self._space.word_shares(text, query)

    @property
    def card(self) -> Card:
        """The space of the words; `NotFittedError` before ``fit``."""
        self._check_fitted("embeddings_")
        return self.embeddings_.card

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
        space = self._space
        arrays: dict[str, NDArray[Any]] = {
            "vectors": space.embeddings.vectors,
            "counts": space.counts,
            "common": space.common,
            **self._beside,
            "moments": self._moments.gram,
            "moments_sentences": np.array([self._moments.sentences]),
            **self._contexts_map.arrays(),
            **pack_ids(space.embeddings.ids),
        }
        beside = {
            "_tokenizer": rule_of(space.tokenizer),
            "_left_out": self.left_out_,
            "_growth": None if self.growth_ is None else vars(self.growth_),
        }
        settings = dict(self._fitted_with)
        if settings["subwords"] is not None:
            settings["subwords"] = list(astuple(settings["subwords"]))
        write_model(path, self.card, {**settings, **beside}, arrays)

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
            If it is something else, damaged, or learned from text that another release split by
            another rule.
        """
        card, settings, file = read_model(path, _KIND)
        tokenizer = _ruled(path, settings.pop("_tokenizer", None))
        try:
            left_out, growth = settings.pop("_left_out"), settings.pop("_growth")
            if settings["subwords"] is not None:
                settings["subwords"] = Subwords(*settings["subwords"])
            if isinstance(settings["learning_rate"], list):  # JSON has no tuples
                settings["learning_rate"] = tuple(settings["learning_rate"])
            words = cls(**settings)
            words._fitted_with = settings
            words.left_out_ = int(left_out)
            words.growth_ = None if growth is None else Growth.from_dict(growth)
            embeddings = Embeddings(unpack_ids(file.arrays), file.arrays["vectors"], card)
            beside = ("contexts", "rows", "buckets")
            words._beside = {name: file.arrays[name] for name in beside if name in file.arrays}
            sentences = int(file.arrays["moments_sentences"][0])
            words._moments = SentenceMoments(file.arrays["moments"], sentences)
            words._contexts_map = ContextMap.from_arrays(file.arrays)
            ngrams = None
            if words.subwords is not None:
                rows = file.arrays["rows"][len(embeddings) :]
                ngrams = NGramRows.by_bucket(words.subwords, file.arrays["buckets"], rows)
            counts, common = file.arrays["counts"], file.arrays["common"]
            words._set_space(WordSpace(embeddings, counts, common, tokenizer, ngrams))
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return words


def _ruled(path: str | Path, rule: object) -> Tokenizer:
    """Return the tokenizer of a model; refuse one whose words this release would not find."""
    if not isinstance(rule, str):
        raise FileFormatError(
            f"{path} is damaged: it must name the rule its text was split by; got {rule!r}.",
            path=path,
        )
    tokenizer = ruled_by(rule)
    if tokenizer is None:
        known = " or ".join(repr(rule_of(name)) for name in get_args(Tokenizer))
        raise FileFormatError(
            f"{path} must be learned from text split by {known}; it was by {rule!r}, the rule of "
            "another release, which makes other words of the same text. Learn it anew, or open it "
            "with that release.",
            path=path,
        )
    return tokenizer


def _check_corpus(corpus: object) -> None:
    if not isinstance(corpus, Corpus):
        raise InputError(
            f"fit takes a Corpus; got {type(corpus).__name__}. "
            "Make one with Corpus.from_file(path) or Corpus.from_lines(lines)."
        )


def _check_sentences(corpus: Corpus, vocabulary: Vocabulary) -> None:
    """Refuse a corpus without a pair of words to learn from."""
    for sentences in sentences_of(corpus, vocabulary, 0, corpus.token_count):
        if np.diff(sentences.offsets).max(initial=0) > 1:
            return
    raise InputError(
        f"A sentence must hold two words to learn from; none of {corpus!r} does, counting only "
        "words that occur often enough. Pass sentences, or a lower min_count."
    )
