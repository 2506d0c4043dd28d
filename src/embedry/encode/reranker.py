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
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from embedry.card import fingerprint
from embedry.encode.transformer.found import find_model
from embedry.encode.transformer.model.architecture import Architecture
from embedry.encode.transformer.model.head import ACTIVATIONS, Dense, Head, Scaled, Step
from embedry.encode.transformer.network import Network
from embedry.encode.transformer.recipe import longest_text, read_json, read_modules
from embedry.encode.transformer.tokens import Tokens
from embedry.errors import InputError
from embedry.progress import bar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from embedry.encode.transformer.model.checkpoint import Checkpoint
    from embedry.encode.transformer.tokens import Tokenized
    from embedry.progress import Advance

__all__ = ["Reranker", "Scores"]

Precision = Literal["auto", "float32", "bfloat16", "int8"]
_PAIRS_AT_ONCE = 5_000


@dataclass(frozen=True, eq=False)
class Scores:
    """How well documents answer a query, and what was not read; also an array.

    Attributes
    ----------
    values : ndarray (n,), float32
        In the order of the documents; larger is better.
    truncated : int
        Pairs that were longer than the model reads.
    truncated_items : ndarray (n,), bool
        Which.
    """

    values: NDArray[np.float32]
    truncated: int
    truncated_items: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: int) -> np.float32:
        """Return the score of one document."""
        found: np.float32 = self.values[place]
        return found

    def __array__(
        self, dtype: DTypeLike | None = None, *, copy: bool | None = None
    ) -> NDArray[np.float32]:
        return np.array(self.values, dtype, copy=copy)


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
    The activation of the score, the default prompt, which is put before the query, and the length
    are those that the model's files name, as sentence-transformers reads them.

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
        found = find_model(self.name, revision).folder
        whole = read_json(found / "config_sentence_transformers.json", {})
        folder, sentence = _place(found)
        config = read_json(folder / "config.json")
        architecture = Architecture.of(config)
        tokenizer = read_json(folder / "tokenizer_config.json", {})
        self._prompt = _prompt(whole)
        self._tells_apart = _tells_apart(tokenizer)
        longest = longest_text(architecture, sentence, tokenizer)
        lowercase = bool(sentence.get("do_lower_case", False))
        self._tokens = Tokens(folder, longest, lowercase=lowercase)
        self._network = Network(folder, architecture, precision, threads)
        final = _final(whole, config)
        head = _head(self._network.weights.checkpoint, config, architecture.family, final)
        parts = fingerprint("scores", self._network.digest, *head.to_parts())
        self._runtime = self._network.runtime(parts, lambda graph: [graph.pooled(head)])

    def score(self, query: str, documents: Iterable[str]) -> Scores:
        """Return how well each document answers the query.

        Parameters
        ----------
        query : str
        documents : iterable of n str
            Of a pair that is too long, the longer text is cut, and the pair is counted.

        Returns
        -------
        Scores
            ``values`` (n,) float32, in the order of the documents; larger is better. On the
            model's own scale: in [0, 1] where it ends in a sigmoid, as most do, else unbounded.
            ``truncated`` counts pairs of which not all was read.

        Raises
        ------
        InputError
            If the query or a document is no str, or ``documents`` is a single one.
        FileFormatError
            If the tokenizer gives a token that the model does not have.
        """
        pairs = _pairs(query, documents, self._prompt)
        scores, cut = np.empty(len(pairs), np.float32), np.zeros(len(pairs), np.bool_)
        with bar("Reading pairs", len(pairs)) as advance:
            for first in range(0, len(pairs), _PAIRS_AT_ONCE):
                part = slice(first, first + _PAIRS_AT_ONCE)
                cut[part] = self._score(pairs[part], scores[part], advance)
        return Scores(scores, int(cut.sum()), cut)

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
        FileFormatError
            As `score`.
        """
        if k is not None and (isinstance(k, bool) or not isinstance(k, int) or k < 1):
            raise InputError(f"k must be None or an int of at least 1; got {k!r}.")
        scores = self.score(query, documents).values
        order = np.argsort(-scores, kind="stable")[:k]
        return [(int(place), float(scores[place])) for place in order]

    def _score(
        self, pairs: list[tuple[str, str]], scores: NDArray[np.float32], advance: Advance
    ) -> NDArray[np.bool_]:
        """Fill in the scores of some pairs; return which were too long."""

        def take(part: NDArray[np.int64], outputs: list[NDArray[np.float32]]) -> None:
            scores[part] = outputs[0][:, 0]
            advance(len(part))

        cut = self._cut(pairs)
        self._network.run(self._runtime, cut, take)
        return cut.truncated

    def _cut(self, pairs: list[tuple[str, str]]) -> Tokenized:
        cut = self._tokens.cut(pairs)
        if self._tells_apart:
            return cut
        return replace(cut, segments=[np.zeros_like(numbers) for numbers in cut.segments])


def _pairs(query: str, documents: Iterable[str], prompt: str) -> list[tuple[str, str]]:
    if not isinstance(query, str):
        raise InputError(f"query must be a text; got a {type(query).__name__}.")
    if isinstance(documents, (str, bytes)) or not isinstance(documents, Iterable):
        raise InputError(
            f"documents must be a list of texts; got {documents!r:.40}. Pass [text] for one."
        )
    texts = list(documents)
    for place, document in enumerate(texts):
        if not isinstance(document, str):
            raise InputError(f"Documents must be str; {place} is a {type(document).__name__}.")
    return [(prompt + query, document) for document in texts]


def _place(found: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of the network, and what sentence-transformers says of its texts."""
    modules = read_modules(found)
    if not modules:
        return found, {}
    if others := [kind for kind, _ in modules[1:]]:
        raise InputError(
            f"A reranker must be one module, a Transformer; this one has {', '.join(others)} "
            "behind it, which is not built."
        )
    folder = found / modules[0][1]
    return folder, read_json(folder / "sentence_bert_config.json", {})


def _prompt(whole: Mapping[str, Any]) -> str:
    """Return what stands before each query: the default prompt, if the model names one."""
    named, default = whole.get("prompts") or {}, whole.get("default_prompt_name")
    if default is None:
        return ""
    prompt = named.get(default) if isinstance(named, dict) else None
    if not isinstance(prompt, str):
        raise InputError(
            f"The default prompt must be one of the model's prompts; {default!r} is none. Mend "
            "its config_sentence_transformers.json."
        )
    return prompt


# tokenizers that number no texts where their config does not say; those of BERT do
_NUMBER_NONE = ("DistilBert", "MPNet", "Roberta", "XLMRoberta")


def _tells_apart(tokenizer: Mapping[str, Any]) -> bool:
    """Return whether the model is told which tokens are of the query and which of the document."""
    names = tokenizer.get("model_input_names")
    if isinstance(names, list):
        return "token_type_ids" in names
    return not str(tokenizer.get("tokenizer_class")).startswith(_NUMBER_NONE)


def _head(checkpoint: Checkpoint, config: Mapping[str, Any], family: str, final: str) -> Head:
    """Return what makes a score of the first token, as the family does it."""
    tanh = _step(checkpoint, _FIRST[family], _ACTIVATION.get(family, "tanh"))
    steps: list[Step] = [tanh]
    if family == "modernbert":
        steps.append(Scaled(checkpoint.read("head.norm.weight"), checkpoint.get("head.norm.bias")))
    last = "classifier.out_proj" if f"{_LAST}.out_proj.weight" in checkpoint else _LAST
    steps.append(_step(checkpoint, last, final))
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


def _final(whole: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return the activation of the score: what the model says, else a sigmoid.

    It stands in one of three places, as sentence-transformers has written it over the years; the
    newest goes first.
    """
    told = config.get("sentence_transformers") or {}
    named = (
        whole.get("activation_fn")
        or told.get("activation_fn")
        or config.get("sbert_ce_default_activation_function")
        or "torch.nn.Sigmoid"
    )
    activation = str(named).rpartition(".")[2].lower()
    if activation not in ACTIVATIONS or not str(named).startswith("torch."):
        raise InputError(
            f"The activation of a score must be torch's, and one of {', '.join(ACTIVATIONS)}; got "
            f"{named!r}."
        )
    return activation
