"""What `import embedry` costs, beside `import numpy`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.report import table

_ROUNDS = 15


def _seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def run() -> None:
    codes = ("import numpy", "import embedry", "import numpy, embedry; embedry.Embeddings")
    times = {code: [] for code in codes}
    for _ in range(_ROUNDS):
        for code in codes:
            times[code].append(_seconds(code))
    base = statistics.median(times[codes[0]])
    rows = [
        {
            "code": code,
            "ms, median of 15": f"{1000 * statistics.median(seconds):.0f}",
            "more than numpy, ms": f"{1000 * (statistics.median(seconds) - base):+.0f}",
        }
        for code, seconds in times.items()
    ]
    table("Start-up", rows)
