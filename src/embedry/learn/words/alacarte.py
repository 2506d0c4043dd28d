"""A la carte: a new word is placed by the words around it.

What it is: the mean of the vectors around each known word, from a pass over a part of the text;
the map from there to the word's own vector; and the same mean for a new word. What it is not:
the fitting, which words and nodes share; see ``embedry.learn.place``.

References
----------
Khodak, Saunshi, Liang, Ma, Stewart, Arora 2018, A La Carte Embedding: Cheap but Effective
Induction of Semantic Feature Vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.data.corpus import tokenize
from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.learn.place import Placed, PlacingMap, fit_placing_map
from embedry.learn.words.space import checked_texts
from embedry.learn.words.vocabulary import sentences_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.data.corpus import Corpus
    from embedry.learn.words.space import WordSpace
    from embedry.learn.words.vocabulary import Vocabulary

__all__ = ["ContextMap", "context_map"]

_TOKENS = 1_000_000  # of the text that the map is fitted on, at most
_WORDS = 5_000  # that it is fitted on, at most


@dataclass(frozen=True, eq=False)
class ContextMap:
    """Places words by their contexts.

    Attributes
    ----------
    window : int
        How many words to each side count.
    fitted : PlacingMap
    """

    window: int
    fitted: PlacingMap

    def place(
        self, space: WordSpace, words: Sequence[str], contexts: Sequence[Sequence[str]]
    ) -> Placed:
        """Place words; see `embedry.Word2Vec.place`."""
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
    ) -> tuple[NDArray[np.float64], int]:
        """Return the mean of what stands around a word, and how often it stands there."""
        name = tokenize(word, space.tokenizer)
        around: list[str] = []
        seen = 0
        for text in texts:
            tokens = tokenize(text, space.tokenizer)
            found = _occurrences(tokens, name)
            if not found:
                raise InputError(
                    f"Each context must hold its word; {text!r:.80} lacks {word!r}. "
                    "Pass texts that the word occurs in."
                )
            seen += len(found)
            for at in found:
                around += tokens[max(0, at - self.window) : at]
                around += tokens[at + len(name) : at + len(name) + self.window]
        known = [space.ids[token] for token in around if token in space.ids]
        if not known:
            raise InputError(
                f"At least one word near {word!r} must be known; none of {len(around)} is. "
                "Pass more contexts."
            )
        weighted = space.weights[known].astype(np.float64) @ space.embeddings.vectors[known]
        return weighted / len(known), seen

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a file needs; `from_arrays` reads it."""
        return {
            "placing": self.fitted.matrix,
            "placing_supports": self.fitted.supports,
            "placing_cosines": self.fitted.cosines,
            "placing_window": np.array([self.window]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ContextMap | None:
        """Read what `arrays` gave; None where there is none."""
        if "placing" not in arrays:
            return None
        parts = (arrays[f"placing{name}"] for name in ("", "_supports", "_cosines"))
        return cls(int(arrays["placing_window"][0]), PlacingMap(*parts))


def _occurrences(tokens: list[str], name: list[str]) -> list[int]:
    """Return where a word, which may be several tokens, begins."""
    width = len(name)
    return [
        at for at in range(len(tokens) - width + 1) if width and tokens[at : at + width] == name
    ]


def context_map(
    space: WordSpace, corpus: Corpus, vocabulary: Vocabulary, window: int
) -> ContextMap | None:
    """Fit the map from contexts to vectors.

    Parameters
    ----------
    space : WordSpace
    corpus : Corpus
        Its first million tokens are looked at.
    vocabulary : Vocabulary
        Made for this corpus.
    window : int

    Returns
    -------
    ContextMap or None
        None where fewer than 100 words can be learned from.
    """
    from embedry.kernels.sampling.contexts import add_contexts

    count = len(vocabulary)
    asked = np.unique(np.linspace(0, count - 1, min(_WORDS, count)).astype(np.int64))
    slot_of = np.full(count, -1, np.int32)
    slot_of[asked] = np.arange(len(asked))
    sums = np.zeros((len(asked), space.embeddings.dims))
    around, seen = np.zeros(len(asked), np.int64), np.zeros(len(asked), np.int64)
    last = min(corpus.token_count, _TOKENS)
    vectors = space.embeddings.vectors
    for some in sentences_of(corpus, vocabulary, 0, last):
        tables = (vectors, space.weights, some.tokens, some.offsets)
        add_contexts(*tables, window, slot_of, sums, around, seen)
    known = np.flatnonzero(seen)
    features = sums[known] / around[known, None]
    fitted = fit_placing_map(features, vectors[asked[known]], seen[known])
    return None if fitted is None else ContextMap(window, fitted)
