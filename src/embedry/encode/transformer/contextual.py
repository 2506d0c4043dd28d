"""Vectors of tokens and words in their context: the same word has another one elsewhere.

What it is: what the layers of a transformer give for each token of a text, and the mean of a
word's tokens. What it is not: a space of texts; these vectors have a card of their own.

References
----------
M. Peters et al., "Deep contextualized word representations", 2018. K. Ethayarajh, "How contextual
are contextualized word representations?", 2019 (what the layers hold).
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card, Probes, fingerprint
from embedry.encode.probes import PROBE_TEXTS
from embedry.encode.transformer.tokens import Tokenized
from embedry.errors import InputError, UnknownIdError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.encode.transformer.model.runtime import Runtime
    from embedry.encode.transformer.network import Network
    from embedry.encode.transformer.tokens import Tokens

__all__ = ["Contexts", "Contextual", "Spans"]

_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True, eq=False)
class Spans:
    """Stretches of a text and their vectors.

    Attributes
    ----------
    texts : tuple of n str
        As they stand in the text.
    starts, ends : ndarray (n,), int64
        Stretch i is ``text[starts[i]:ends[i]]``.
    vectors : ndarray (n, dims), float32
    """

    texts: tuple[str, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, text: str) -> NDArray[np.float32]:
        """Return the vector of the first stretch that reads so, (dims,).

        Raises
        ------
        UnknownIdError
            If there is none.
        """
        if text not in self.texts:
            raise UnknownIdError(
                f"The text must hold {text!r}; it holds {', '.join(self.texts[:20])}.", ids=[text]
            )
        found: NDArray[np.float32] = self.vectors[self.texts.index(text)]
        return found


@dataclass(frozen=True, eq=False)
class Contextual:
    """A text's tokens and words in context.

    Attributes
    ----------
    tokens : Spans
        As the model cuts them, without its special ones.
    words : Spans
        Runs of letters, digits and marks (``"don't"`` is one); the mean of their tokens.
    card : Card
        The space of these vectors.
    truncated : bool
        Whether the text was longer than the model reads; what is behind has no vectors.
    """

    tokens: Spans
    words: Spans
    card: Card
    truncated: bool


@dataclass(frozen=True, eq=False)
class _Choice:
    """What computes some layers, and the card of their mean."""

    runtime: Runtime
    card: Card


class Contexts:
    """Encodes words in context.

    Parameters
    ----------
    network : Network
    tokens : Tokens
    """

    def __init__(self, network: Network, tokens: Tokens) -> None:
        self._network = network
        self._tokens = tokens
        self._choices: dict[tuple[int, ...], _Choice] = {}

    def encode(self, text: str, layers: Sequence[int]) -> Contextual:
        """Return the vectors of one text's tokens and words.

        Parameters
        ----------
        text : str
        layers : sequence of int
            Their mean is taken. 0 is the embeddings, -1 the last layer.

        Returns
        -------
        Contextual

        Raises
        ------
        InputError
            If there is no such layer, or none is named.
        """
        choice = self._choice(self._checked(layers))
        spans = self._tokens.encoding(text)
        begins, ends = np.array(spans.offsets, np.int64).reshape(-1, 2).T
        real = _real(spans)
        tokens = _spans(text, begins[real], ends[real], self._rows(choice.runtime, spans)[real])
        return Contextual(tokens, _words(text, tokens), choice.card, bool(spans.overflowing))

    def _checked(self, layers: Sequence[int]) -> tuple[int, ...]:
        count = self._network.architecture.layers + 1
        try:
            numbers = [_whole(layer) for layer in layers]
        except TypeError:
            numbers = []
        if not numbers or not all(-count <= number < count for number in numbers):
            raise InputError(
                f"layers must be ints in [{-count}, {count - 1}], 0 for the embeddings; got "
                f"{layers!r}."
            )
        return tuple(sorted({number % count for number in numbers}))

    def _rows(self, runtime: Runtime, spans: Any) -> NDArray[np.float32]:
        """Return the mean of the layers of a runtime, (tokens, hidden)."""
        ids, segments = (np.array(one, np.int32) for one in (spans.ids, spans.type_ids))
        cut = Tokenized([ids], [segments], np.zeros(1, np.bool_))
        found: list[NDArray[np.float32]] = []
        self._network.run(
            runtime, cut, lambda _part, outputs: found.append(np.mean(outputs, axis=0)[0])
        )
        return found[0]

    def _choice(self, chosen: tuple[int, ...]) -> _Choice:
        choice = self._choices.get(chosen)
        if choice is None:
            key = fingerprint("layers", self._network.digest, chosen)
            runtime = self._network.runtime(
                key, lambda graph: [graph.states[layer] for layer in chosen]
            )
            choice = _Choice(runtime, self._card(chosen, runtime))
            self._choices = {chosen: choice}  # one only: each holds the network once more
        return choice

    def _card(self, chosen: tuple[int, ...], runtime: Runtime) -> Card:
        precision = self._network.precision
        card = Card(
            "transformer tokens",
            self._network.architecture.hidden,
            "cosine",
            fingerprint("tokens", self._network.digest, self._tokens.digest, chosen),
            ("token", "word"),
            runtime=f"openvino {precision}",
            precision="int8" if precision == "int8" else "float32",
        )
        return replace(card, probes=self._probes(runtime))

    def _probes(self, runtime: Runtime) -> Probes:
        """Return what proves the space: the mean of a text's tokens, and the last of them."""
        means, lasts = [], []
        for text in PROBE_TEXTS:
            spans = self._tokens.encoding(text)
            rows = self._rows(runtime, spans)
            rows = rows[_real(spans)] if _real(spans).any() else rows
            means.append(rows.mean(axis=0))
            lasts.append(rows[-1])
        items = (*PROBE_TEXTS, *(f"the last token of {text!r}" for text in PROBE_TEXTS))
        return Probes.of(items, np.array(means + lasts, np.float32))


def _whole(layer: Any) -> int:
    if isinstance(layer, (bool, np.bool_)):
        raise TypeError("a bool is no layer")
    return operator.index(layer)


def _real(spans: Any) -> NDArray[np.bool_]:
    """Return which tokens stand for something in the text, (tokens,)."""
    begins, ends = np.array(spans.offsets, np.int64).reshape(-1, 2).T
    found: NDArray[np.bool_] = (np.array(spans.special_tokens_mask) == 0) & (ends > begins)
    return found


def _spans(
    text: str, starts: NDArray[np.int64], ends: NDArray[np.int64], vectors: NDArray[np.float32]
) -> Spans:
    stretches = (text[start:end] for start, end in zip(starts, ends, strict=True))
    return Spans(tuple(stretches), starts, ends, vectors)


def _words(text: str, tokens: Spans) -> Spans:
    """Return the words that have tokens: of a text that was cut off, those before the cut."""
    places = [found.span() for found in _WORD.finditer(text)]
    starts, ends = np.array(places, np.int64).reshape(-1, 2).T
    # (words, tokens): whether they share a character
    inside = (tokens.starts < ends[:, None]) & (tokens.ends > starts[:, None])
    counts = inside.sum(axis=1)
    has = counts > 0
    vectors = inside[has].astype(np.float32) @ tokens.vectors / counts[has, None]
    return _spans(text, starts[has], ends[has], vectors.astype(np.float32))
