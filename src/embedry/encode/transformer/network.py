"""One network ready to run: its weights, its precision, its threads, and its compiled graphs.

What it is: what vectors of texts, vectors of words and scores of pairs have in common. What it is
not: a choice of outputs; that is its users'.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import fingerprint
from embedry.encode.transformer.batches import batches, padded
from embedry.encode.transformer.model.checkpoint import Checkpoint
from embedry.encode.transformer.model.embedding import embed
from embedry.encode.transformer.model.graph import Graph
from embedry.encode.transformer.model.runtime import best_precision, compiled
from embedry.encode.transformer.model.weights import Weights
from embedry.errors import FileFormatError, InputError
from embedry.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.encode.transformer.model.architecture import Architecture
    from embedry.encode.transformer.model.runtime import Batch, Runtime
    from embedry.encode.transformer.tokens import Tokenized

__all__ = ["Network"]


class Network:
    """The weights of a folder, and how they are to be computed with.

    Parameters
    ----------
    folder : Path
    architecture : Architecture
    precision : {"auto", "float32", "bfloat16", "int8"}
    threads : int or None

    Raises
    ------
    FileNotFoundError
        If there are no safetensors in the folder.
    FileFormatError
        If they are damaged, or their tables are smaller than the configuration says.
    InputError
        If threads is below 1.
    """

    def __init__(
        self, folder: Path, architecture: Architecture, precision: str, threads: int | None
    ) -> None:
        self.architecture = architecture
        self.precision = best_precision() if precision == "auto" else precision
        self.threads = thread_count(threads)
        self._process = os.getpid()
        self.weights = Weights(Checkpoint(folder), architecture)
        self._check_tables()

    @cached_property
    def digest(self) -> str:
        """A digest of the weights of the encoder."""
        return self.weights.checkpoint.digest(self.weights.is_used)

    def runtime(self, key: str, outputs: Callable[[Graph], list[Any]]) -> Runtime:
        """Return a graph, compiled here or by an earlier process.

        Parameters
        ----------
        key : str
            A digest of the weights and of the outputs.
        outputs : callable
            Returns the nodes that are wanted.

        Returns
        -------
        Runtime
        """

        def build() -> tuple[Any, object]:
            graph = Graph(self.weights, whole_numbers=self.precision == "int8")
            return graph.model(outputs(graph)), graph.kept

        key = fingerprint(key, self.architecture.to_dict())
        return compiled(build, key, self.precision, self.threads)

    def run(
        self,
        runtime: Runtime,
        cut: Tokenized,
        take: Callable[[NDArray[np.int64], list[NDArray[np.float32]]], None],
    ) -> None:
        """Compute texts in batches of like length.

        Parameters
        ----------
        runtime : Runtime
        cut : Tokenized
        take : callable
            Is given the numbers of the texts of a batch, and what comes out, which is valid only
            until it returns; from several threads, where there are several.

        Raises
        ------
        FileFormatError
            If the tokenizer gives a token for which the model has no row.
        InputError
            After a fork.
        """
        if os.getpid() != self._process:
            raise InputError(
                "A transformer must be used in the process that opened it: its threads do not "
                "survive a fork. Open it anew in the child, or start children by spawn."
            )
        self._check_numbers(cut)
        lengths = np.array([len(ids) for ids in cut.ids], np.int64)
        parts = list(batches(lengths))
        runtime.run(self._batches(cut, parts), lambda number, outputs: take(parts[number], outputs))

    def _check_tables(self) -> None:
        shape, places = self.architecture, self.weights.places
        needed = {"tokens": (self.weights.words.rows, shape.padding + 1)}
        if places is not None:
            needed["positions"] = (places, shape.longest + shape.offset)
        for name, (table, rows) in needed.items():
            if table.ndim != 2 or len(table) < rows or table.shape[1] != shape.hidden:
                raise self._misfit(
                    f"its table of {name} must be ({rows} or more, {shape.hidden}); it is "
                    f"{table.shape}"
                )

    def _check_numbers(self, cut: Tokenized) -> None:
        rows = len(self.weights.words.rows)
        if (highest := max((int(ids.max(initial=0)) for ids in cut.ids), default=0)) >= rows:
            raise self._misfit(
                f"its tokenizer must give numbers below {rows}, one a row of its table; it gave "
                f"{highest}"
            )

    def _misfit(self, what: str) -> FileFormatError:
        folder = self.weights.checkpoint.folder
        return FileFormatError(
            f"The files of the model in {folder} do not fit: {what}. Fetch it again.", path=folder
        )

    def _batches(self, cut: Tokenized, parts: list[NDArray[np.int64]]) -> Iterator[Batch]:
        table = self.weights.segments
        for part in parts:
            ids, mask = padded([cut.ids[text] for text in part], self.architecture.padding)
            segments = None
            if table is not None and len(table) > 1:
                segments = padded([cut.segments[text] for text in part], 0)[0]
            yield embed(self.weights, ids, segments), mask
