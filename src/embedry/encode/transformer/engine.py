"""The engine of a transformer: tokens, batches, a compiled graph, vectors.

What it is: what `TextEncoder` runs where a model is named. What it is not: a reader of files; see
``found``, ``recipe``, ``tokens`` and ``model``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from embedry.card import Card, Operation, Probes, check, fingerprint
from embedry.encode.encoder import Encoded
from embedry.encode.probes import PROBE_PARTS, PROBE_TEXTS
from embedry.encode.transformer.contextual import Contexts
from embedry.encode.transformer.found import find_model
from embedry.encode.transformer.lineage import read_lineage
from embedry.encode.transformer.network import Network
from embedry.encode.transformer.recipe import read_recipe
from embedry.encode.transformer.tokens import Tokens
from embedry.errors import FileFormatError, InputError
from embedry.files import read_arrays, write_arrays
from embedry.progress import bar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.encode.transformer.contextual import Contextual
    from embedry.kernels.text.wordpiece import Spans
    from embedry.progress import Advance

__all__ = ["KIND", "Asked", "TransformerEngine"]

KIND = "transformer"
_AT_ONCE = 10_000  # texts: tokens of more are not held
_NOT_SAID = {True: "", False: " (the model names none)"}


@dataclass(frozen=True)
class Asked:
    """What was asked for: enough to find the model again.

    Attributes
    ----------
    name : str
        See `embedry.encode.transformer.found.find_model`.
    precision : {"auto", "float32", "bfloat16", "int8"}
    revision : str or None
        A commit, tag or branch of the hub.
    dims : int or None
        Keep only the first dims of each vector (Matryoshka models).
    prompts : mapping of str to str, or None
        What is put before a text, by role, in place of what the model names.
    """

    name: str
    precision: str = "auto"
    revision: str | None = None
    dims: int | None = None
    prompts: Mapping[str, str] | None = None


class TransformerEngine:
    """Encodes by a model of the BERT family.

    Parameters
    ----------
    asked : Asked
    threads : int or None

    Raises
    ------
    FileNotFoundError
        If the model, or a file of it, is not there.
    FileFormatError
        If a file is damaged.
    InputError
        If the model is a decoder or has a part that is not built, the CPU cannot compute in the
        precision, or dims or threads is out of range.
    MissingExtraError
        If the extra ``text`` is not installed.
    """

    def __init__(self, asked: Asked, threads: int | None = None) -> None:
        self.asked = asked
        self._found = find_model(asked.name, asked.revision)
        self._recipe = recipe = read_recipe(self._found.folder, asked.prompts)
        self._tokens = Tokens(recipe.folder, recipe.longest, lowercase=recipe.lowercase)
        self._network = Network(recipe.folder, recipe.architecture, asked.precision, threads)
        content = self._fingerprint()
        self._runtime = self._network.runtime(content, lambda graph: [graph.pooled(recipe.head)])
        card = self._card(content)
        card = card if asked.dims is None else card.truncated(asked.dims)
        self._dims = card.dims
        card = replace(card, probes=Probes.of(PROBE_TEXTS, self._probes()))
        self.card = read_lineage(self._found.folder).told(card)
        self._contexts = Contexts(self._network, self._tokens)

    @classmethod
    def load(cls, path: str | Path) -> TransformerEngine:
        """Find the model again that `save` wrote down.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        TransformerEngine

        Raises
        ------
        FileNotFoundError
            If there is no such file, or the model is no longer there.
        FileFormatError
            If the file is something else, or damaged.
        ForeignSpaceError
            If the model is another now.
        """
        header = read_arrays(path, KIND).header
        try:
            card = Card.from_dict(header["card"])
            asked = Asked(**header["settings"])
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        engine = cls(asked)
        check(engine.card, card, Operation.STORE)
        return engine

    def encode(self, texts: Sequence[str], role: str) -> Encoded:
        """Return the vectors of texts, in order.

        Parameters
        ----------
        texts : sequence of str
            An empty one is encoded as the model encodes it, and counted.
        role : str
            One of the card's.

        Returns
        -------
        Encoded
            ``truncated`` counts texts longer than the model reads.

        Raises
        ------
        InputError
            If something in ``texts`` is no str.
        """
        _check(texts)
        vectors = np.empty((len(texts), self._dims), np.float32)
        cut = np.zeros(len(texts), np.bool_)
        with bar("Encoding texts", len(texts)) as advance:
            for first in range(0, len(texts), _AT_ONCE):
                part = slice(first, first + _AT_ONCE)
                cut[part] = self._encode(texts[part], role, vectors[part], advance)
        truncated, empty = int(cut.sum()), sum(not text.strip() for text in texts)
        return Encoded(vectors, self.card, truncated, empty, truncated_items=cut)

    def encode_tokens(self, text: str, layers: Sequence[int]) -> Contextual:
        """Return the vectors of the tokens and words of one text; see `TextEncoder`."""
        _check([text])
        return self._contexts.encode(text, layers)

    def spans(self, text: str) -> Spans:
        """Return the pieces of a text, all of them; see `TextEncoder.spans`."""
        return self._tokens.spans(text)

    def save(self, path: str | Path) -> None:
        """Write what finds the model again: its name, revision, settings and card.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If it cannot be written; what was there stays.
        """
        found = self._found
        name = str(found.folder.resolve()) if found.is_folder else found.name
        asked = replace(self.asked, name=name, revision=found.revision)
        write_arrays(path, KIND, {"card": self.card.to_dict(), "settings": asdict(asked)}, {})

    def _encode(
        self, texts: Sequence[str], role: str, vectors: NDArray[np.float32], advance: Advance
    ) -> NDArray[np.bool_]:
        """Fill in the vectors of some texts; return which were too long."""
        prompt = self._recipe.prompts[role]
        cut = self._tokens.cut([prompt + text for text in texts])

        def take(part: NDArray[np.int64], outputs: list[NDArray[np.float32]]) -> None:
            vectors[part] = self._cut_to_dims(outputs[0])
            advance(len(part))

        self._network.run(self._runtime, cut, take)
        return cut.truncated

    def _cut_to_dims(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if vectors.shape[1] == self._dims:
            return vectors
        short = vectors[:, : self._dims]
        if not self._recipe.head.gives_unit_rows:
            return short
        lengths = np.linalg.norm(short, axis=1, keepdims=True)
        return np.asarray(short / np.maximum(lengths, 1e-12))

    def _fingerprint(self) -> str:
        """Digest weights and preprocessing: what the space is, whatever computes it."""
        recipe = self._recipe
        return fingerprint(
            KIND,
            self._network.digest,
            recipe.architecture.to_dict(),
            *recipe.head.to_parts(),
            [self._tokens.digest, recipe.longest, recipe.lowercase, dict(recipe.prompts)],
        )

    def _card(self, content: str) -> Card:
        recipe, found, precision = self._recipe, self._found, self._network.precision
        return Card(
            KIND,
            recipe.head.dims,
            recipe.metric,
            content,
            tuple(recipe.prompts),
            settings=(
                ("model", found.name),
                ("revision", found.revision),
                ("family", recipe.architecture.family),
                ("pooling", "+".join(recipe.head.pooling) + _NOT_SAID[recipe.says_pooling]),
                ("longest", recipe.longest),
            ),
            runtime=f"openvino {precision}",
            precision="int8" if precision == "int8" else "float32",
        )

    def _probes(self) -> NDArray[np.float32]:
        vectors = np.empty((len(PROBE_TEXTS), self._dims), np.float32)
        for role, part in PROBE_PARTS:
            self._encode(PROBE_TEXTS[part], role, vectors[part], _no_bar)
        if not np.isfinite(vectors).all():
            raise FileFormatError(
                f"{self._found.folder} must hold weights that give finite vectors; these give NaN "
                "or infinity. Fetch the model again.",
                path=self._found.folder,
            )
        return vectors


def _check(texts: Sequence[str]) -> None:
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"Texts must be str; text {place} is {type(text).__name__}.")


def _no_bar(steps: float = 1) -> None:
    """Advance nothing."""
