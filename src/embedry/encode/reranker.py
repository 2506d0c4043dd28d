"""Rerankers: a model that reads a query and a document together, and says how well they fit.

What it is: a cross-encoder of the BERT family on the same graph builder as `TextEncoder`. It reads
each pair anew, so it is for the best few of a search, not for a whole collection. What it is not:
an encoder; there are no vectors.

References
----------
R. Nogueira, K. Cho, "Passage re-ranking with BERT", 2019.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from embedry.card import fingerprint
from embedry.encode.transformer.found import find_model
from embedry.encode.transformer.model.architecture import Architecture
from embedry.encode.transformer.model.head import ACTIVATIONS, Dense, Head, Scaled, Step
from embedry.encode.transformer.network import Network
from embedry.encode.transformer.recipe import longest_text, read_json
from embedry.encode.transformer.tokens import Tokens
from embedry.errors import InputError
from embedry.progress import bar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.encode.transformer.model.checkpoint import Checkpoint

__all__ = ["Reranker"]

Precision = Literal["auto", "float32", "bfloat16", "int8"]
_PAIRS_AT_ONCE = 5_000


class Reranker:
    """Score how well documents answer a query, reading both together.

    Parameters
    ----------
    name : str or Path
        The folder of a cross-encoder, or its name on the Hugging Face hub, such as
        ``"cross-encoder/ms-marco-MiniLM-L6-v2"``. It must have one label.
    precision : {"auto", "float32", "bfloat16", "int8"}
        As of `TextEncoder`.
    threads : int or None
        None takes the cores allowed. The scores do not depend on it.
    revision : str, optional
        A commit, tag or branch of the hub.

    Raises
    ------
    FileNotFoundError
        If there is no such model, or a file of it is missing.
    FileFormatError
        If a file of it is damaged.
    InputError
        If it is a decoder, has more than one label or a part that is not built, or the CPU
        cannot compute in the precision.
    MissingExtraError
        If the extra ``text`` is not installed.

    Notes
    -----
    Time grows with the number of documents: some 100 pairs of 100 words a second and core, for
    a model of six layers and 384 dims.
    """

    def __init__(
        self,
        name: str | Path,
        precision: Precision = "auto",
        threads: int | None = None,
        *,
        revision: str | None = None,
    ) -> None:
        if precision not in get_args(Precision):
            raise InputError(
                f"precision must be one of {', '.join(get_args(Precision))}; got {precision!r}."
            )
        self.name = str(name)
        folder = find_model(self.name, revision).folder
        config = read_json(folder / "config.json")
        architecture = Architecture.of(config)
        tokenizer = read_json(folder / "tokenizer_config.json", {})
        self._tokens = Tokens(folder, longest_text(architecture, {}, tokenizer))
        self._network = Network(folder, architecture, precision, threads)
        head = _head(self._network.weights.checkpoint, config, architecture.family)
        parts = fingerprint("scores", self._network.digest, *head.to_parts())
        self._runtime = self._network.runtime(parts, lambda graph: [graph.pooled(head)])

    def score(self, query: str, documents: Iterable[str]) -> NDArray[np.float32]:
        """Return how well each document answers the query.

        Parameters
        ----------
        query : str
        documents : iterable of n str
            Of a pair that is too long, the longer text is cut.

        Returns
        -------
        ndarray (n,), float32
            In the order of the documents; larger is better. On the model's own scale: in
            [0, 1] where it ends in a sigmoid, as most do, else unbounded.

        Raises
        ------
        InputError
            If the query or a document is no str, or ``documents`` is a single one.
        """
        pairs = _pairs(query, documents)
        scores = np.empty(len(pairs), np.float32)
        with bar("Reading pairs", len(pairs)) as advance:
            for first in range(0, len(pairs), _PAIRS_AT_ONCE):
                some = scores[first : first + _PAIRS_AT_ONCE]

                def take(
                    part: NDArray[np.int64],
                    outputs: list[NDArray[np.float32]],
                    some: NDArray[np.float32] = some,
                ) -> None:
                    some[part] = outputs[0][:, 0]
                    advance(len(part))

                cut = self._tokens.cut(pairs[first : first + _PAIRS_AT_ONCE])
                self._network.run(self._runtime, cut, take)
        return scores

    def rank(
        self, query: str, documents: Iterable[str], k: int | None = None
    ) -> list[tuple[int, float]]:
        """Return the numbers of the best documents and their scores, best first.

        Parameters
        ----------
        query : str
        documents : iterable of n str
        k : int, optional
            How many; left out, or more than there are: all.

        Returns
        -------
        list of (int, float)
            Ties in the order of the documents.

        Raises
        ------
        InputError
            As `score`; or if k is below 1.
        """
        if k is not None and (isinstance(k, bool) or not isinstance(k, int) or k < 1):
            raise InputError(f"k must be None or an int of at least 1; got {k!r}.")
        scores = self.score(query, documents)
        order = np.argsort(-scores, kind="stable")[:k]
        return [(int(place), float(scores[place])) for place in order]


def _pairs(query: str, documents: Iterable[str]) -> list[tuple[str, str]]:
    if not isinstance(query, str):
        raise InputError(f"query must be a text; got a {type(query).__name__}.")
    if isinstance(documents, (str, bytes)) or not isinstance(documents, Iterable):
        raise InputError(
            f"documents must be a list of texts; got {documents!r:.40}. Pass [text] for one."
        )
    pairs = [(query, document) for document in documents]
    for place, (_, document) in enumerate(pairs):
        if not isinstance(document, str):
            raise InputError(f"Documents must be str; {place} is a {type(document).__name__}.")
    return pairs


def _head(checkpoint: Checkpoint, config: Mapping[str, Any], family: str) -> Head:
    """Return what makes a score of the first token, as the family does it."""
    tanh = _step(checkpoint, _FIRST[family], _ACTIVATION.get(family, "tanh"))
    steps: list[Step] = [tanh]
    if family == "modernbert":
        steps.append(Scaled(checkpoint.read("head.norm.weight"), checkpoint.get("head.norm.bias")))
    last = "classifier.out_proj" if f"{_LAST}.out_proj.weight" in checkpoint else _LAST
    steps.append(_step(checkpoint, last, _final(config)))
    labels = len(checkpoint.read(f"{last}.weight"))
    if labels != 1:
        raise InputError(
            f"A reranker must have one label; this model has {labels}. Use one that was trained "
            "to score pairs."
        )
    pooling = "mean" if config.get("classifier_pooling") == "mean" else "cls"
    return Head((pooling,), tuple(steps), 1)


_LAST = "classifier"
_FIRST = {
    "bert": "bert.pooler.dense",
    "roberta": "classifier.dense",
    "xlm-roberta": "classifier.dense",
    "mpnet": "classifier.dense",
    "distilbert": "pre_classifier",
    "modernbert": "head.dense",
}
_ACTIVATION = {"distilbert": "relu", "modernbert": "gelu"}


def _step(checkpoint: Checkpoint, name: str, activation: str) -> Dense:
    return Dense(checkpoint.read(f"{name}.weight"), checkpoint.get(f"{name}.bias"), activation)


def _final(config: Mapping[str, Any]) -> str:
    """Return the activation of the score: what the model says, else a sigmoid."""
    told = config.get("sentence_transformers") or {}
    named = told.get("activation_fn") or config.get("sbert_ce_default_activation_function")
    activation = str(named or "Sigmoid").rpartition(".")[2].lower()
    if activation not in ACTIVATIONS:
        raise InputError(
            f"The activation of a score must be one of {', '.join(ACTIVATIONS)}; got {named!r}."
        )
    return activation
