"""The work of sentence-transformers: load, encode, train, write. The only place that knows torch.

What it is: their `SentenceTransformerTrainer` with their losses, kept from the network, from the
terminal and from the state of the process. What it is not: a trainer of our own.

References
----------
Henderson et al. 2017, Efficient Natural Language Response Suggestion for Smart Reply (the other
answers of a batch as wrong ones). Reimers, Gurevych 2019, Sentence-BERT, section 3 (the cosine
regressed). Su 2022, CoSENT (order alone). Kusupati et al. 2022, Matryoshka Representation Learning.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError, MissingExtraError
from embedry.learn.finetune.examples import ScoredPairs
from embedry.learn.finetune.scoring import Vectors
from embedry.metrics import as_metric
from embedry.progress import bar
from embedry.settings import real_number, whole_number
from embedry.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.learn.finetune.examples import Examples
    from embedry.learn.finetune.scoring import Task
    from embedry.metrics import Metric

__all__ = ["Model", "Settings", "apart", "check_installed"]

_TEXTS_AT_ONCE = 512
_SCALE = 20.0  # of cosines, in both losses: the default of sentence-transformers


@dataclass(frozen=True)
class Settings:
    """How to train; see `embedry.finetune`.

    Attributes
    ----------
    epochs, batch : int
    learning_rate, warmup : float
    matryoshka : tuple of int
    max_length : int or None
    seed : int
    threads : int or None

    Raises
    ------
    InputError
        If one is out of range.
    """

    epochs: int
    batch: int
    learning_rate: float
    warmup: float
    matryoshka: tuple[int, ...]
    max_length: int | None
    seed: int
    threads: int | None

    def __post_init__(self) -> None:
        whole_number("epochs", self.epochs, 1, 1000)
        whole_number("batch", self.batch, 2, 100_000)
        real_number("learning_rate", self.learning_rate, 1e-9, 1.0)
        real_number("warmup", self.warmup, 0.0, 0.99)
        whole_number("seed", self.seed, 0)
        thread_count(self.threads)
        if self.max_length is not None:
            whole_number("max_length", self.max_length, 4, 100_000)
        for dims in self.matryoshka:
            whole_number("matryoshka dims", dims, 1, 100_000)


def check_installed() -> None:
    """Load what training needs.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        for name in ("datasets", "accelerate", "sentence_transformers"):
            import_module(name)
    except ImportError as error:
        raise MissingExtraError("Fine-tuning", extra="train") from error


@contextmanager
def apart(threads: int | None) -> Iterator[None]:
    """Keep what the block does from the network and from the state of the process.

    Parameters
    ----------
    threads : int or None
        Cores for torch.

    Yields
    ------
    None
        ``HF_HUB_OFFLINE`` is set, torch has its threads, no bars of others are drawn, and random
        states will be as before.

    Notes
    -----
    All of this is the process's own while the block runs: other threads meet it too.
    """
    import random

    import torch

    states, cores = (random.getstate(), np.random.get_state()), torch.get_num_threads()  # noqa: NPY002  (theirs)
    torch.set_num_threads(thread_count(threads))
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())), _offline(), _quiet():
            yield
    finally:
        torch.set_num_threads(cores)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002  (theirs)


@contextmanager
def _offline() -> Iterator[None]:
    """Set ``HF_HUB_OFFLINE``, which is read once at import and must not stay set."""
    from huggingface_hub import constants

    name = "HF_HUB_OFFLINE"
    before, told = constants.HF_HUB_OFFLINE, os.environ.get(name)
    constants.HF_HUB_OFFLINE, os.environ[name] = True, "1"
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        os.environ.pop(name)
        if told is not None:
            os.environ[name] = told


@contextmanager
def _quiet() -> Iterator[None]:
    """Let nobody else draw bars; ours are drawn in terminals alone."""
    from transformers.utils import logging

    hub: Any = import_module("huggingface_hub.utils")
    theirs, hubs = logging.is_progress_bar_enabled(), not hub.are_progress_bars_disabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if theirs:
            logging.enable_progress_bar()
        (hub.enable_progress_bars if hubs else hub.disable_progress_bars)()


class Model:
    """A model of sentence-transformers.

    Parameters
    ----------
    folder : Path
        In their layout, or with ``config.json`` alone. Code in it is not run.

    Attributes
    ----------
    metric : Metric
        By which the model compares.

    Raises
    ------
    InputError
        If it compares by another than cosine or dot product.
    """

    def __init__(self, folder: Path) -> None:
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(str(folder), local_files_only=True)
        named = str(self._model.similarity_fn_name)
        if named not in ("cosine", "dot"):
            raise InputError(f"The model must compare by cosine or dot; it does by {named}.")
        self.metric: Metric = as_metric(named)

    @property
    def dims(self) -> int:
        """The width of a vector."""
        return int(self._model.get_embedding_dimension())

    @property
    def longest(self) -> int:
        """How many tokens of a text are read."""
        return int(self._model.max_seq_length)

    def shorten(self, max_length: int | None) -> None:
        """Read fewer tokens from now on, here and where it is loaded again.

        Parameters
        ----------
        max_length : int or None
            None changes nothing.

        Raises
        ------
        InputError
            If it is more than the model reads.
        """
        if max_length is not None:
            self._model.max_seq_length = whole_number("max_length", max_length, 4, self.longest)

    def truncated(self, examples: Examples) -> int:
        """Return how many texts are longer than the model reads.

        Parameters
        ----------
        examples : Examples

        Returns
        -------
        int
            A text counts once.
        """
        texts = list(dict.fromkeys(chain.from_iterable(map(examples.texts, examples))))
        count = 0
        for first in range(0, len(texts), _TEXTS_AT_ONCE):
            some = texts[first : first + _TEXTS_AT_ONCE]
            cut = self._model.tokenizer(some, truncation=False, padding=False, verbose=False)
            count += sum(len(ids) > self.longest for ids in cut["input_ids"])
        return count

    def encode(self, task: Task) -> Vectors:
        """Return the vectors of what a task asks, each with the prompt of its role.

        Parameters
        ----------
        task : Task

        Returns
        -------
        Vectors
        """
        with bar("Encoding held-out texts", len(task.queries) + len(task.documents)) as advance:

            def vectors(encode: Any, texts: Sequence[str]) -> NDArray[np.float32]:
                found = [np.empty((0, self.dims), np.float32)]
                for first in range(0, len(texts), _TEXTS_AT_ONCE):
                    some = list(texts[first : first + _TEXTS_AT_ONCE])
                    found.append(encode(some, show_progress_bar=False, convert_to_numpy=True))
                    advance(len(some))
                return np.concatenate(found).astype(np.float32)

            return Vectors(
                vectors(self._model.encode_query, task.queries),
                vectors(self._model.encode_document, task.documents),
            )

    def train(self, examples: Examples, settings: Settings) -> None:
        """Train on examples.

        Parameters
        ----------
        examples : Examples
        settings : Settings

        Raises
        ------
        InputError
            If the weights did not stay finite.
        """
        steps = settings.epochs * -(-len(examples) // settings.batch)
        with tempfile.TemporaryDirectory() as folder, bar("Fine-tuning", steps) as advance:
            self._trainer(examples, settings, folder, advance).train()
        self._model.eval()
        if not all(bool(part.isfinite().all()) for part in self._model.parameters()):
            raise InputError(
                f"learning_rate must be low enough that training stays finite; at "
                f"{settings.learning_rate:g} it did not. Pass {settings.learning_rate / 10:g}."
            )

    def _trainer(self, examples: Examples, settings: Settings, folder: str, advance: Any) -> Any:
        from datasets import Dataset
        from sentence_transformers import (
            SentenceTransformerTrainer,
            SentenceTransformerTrainingArguments,
        )
        from transformers import PrinterCallback, TrainerCallback

        steps = TrainerCallback()
        steps.on_step_end = lambda *_told, **_more: advance(1)  # what else is told is not needed
        columns = dict(zip(examples.COLUMNS, zip(*examples, strict=True), strict=True))
        if isinstance(examples, ScoredPairs):
            columns["score"] = tuple(examples.shares.tolist())
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            num_train_epochs=settings.epochs,
            per_device_train_batch_size=settings.batch,
            learning_rate=settings.learning_rate,
            warmup_steps=settings.warmup,  # below 1: a share of all steps
            seed=settings.seed,
            batch_sampler="batch_sampler" if isinstance(examples, ScoredPairs) else "no_duplicates",
            prompts=self._prompts(examples),
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        # without the callback that gathers texts of the examples for a README, and draws bars
        told = {"add_model_card_callback": lambda _self, _told: None}
        trainer = type("Trainer", (SentenceTransformerTrainer,), told)(
            model=self._model,
            args=arguments,
            train_dataset=Dataset.from_dict({name: list(rows) for name, rows in columns.items()}),
            loss=self._loss(examples, settings.matryoshka),
            callbacks=[steps],
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _prompts(self, examples: Examples) -> dict[str, str] | None:
        """Return the prompt of each column of texts, as `encode` puts it."""
        named = {name: text for name, text in self._model.prompts.items() if text}
        default = named.get(self._model.default_prompt_name or "", "")
        document = next(
            (named[role] for role in ("document", "passage", "corpus") if role in named), default
        )
        query = document if isinstance(examples, ScoredPairs) else named.get("query", default)
        texts = examples.COLUMNS[: examples.TEXTS]
        prompts = {name: query if name == texts[0] else document for name in texts}
        return prompts if any(prompts.values()) else None

    def _loss(self, examples: Examples, matryoshka: tuple[int, ...]) -> Any:
        from sentence_transformers import losses, util

        is_dot = self.metric.name == "dot"
        scale = 1.0 if is_dot else _SCALE
        if isinstance(examples, ScoredPairs) and not is_dot:
            loss: Any = losses.CosineSimilarityLoss(self._model)
        elif isinstance(examples, ScoredPairs):
            likeness = util.pairwise_dot_score
            loss = losses.CoSENTLoss(self._model, scale=scale, similarity_fct=likeness)
        else:
            likeness = util.dot_score if is_dot else util.cos_sim
            loss = losses.MultipleNegativesRankingLoss(
                self._model, scale=scale, similarity_fct=likeness
            )
        if not matryoshka:
            return loss
        widths = sorted({self.dims, *matryoshka}, reverse=True)  # the whole must stay of use too
        return losses.MatryoshkaLoss(self._model, loss, widths)

    def write(self, folder: Path) -> None:
        """Write the model in the layout of sentence-transformers; no training text goes along.

        Parameters
        ----------
        folder : Path

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self._model.save_pretrained(str(folder), create_model_card=False)
