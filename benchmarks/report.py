"""What the benchmarks share: data, timing, and tables."""

from __future__ import annotations

import atexit
import gzip
import json
import os
import platform
import re
import statistics
import tempfile
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGES = (
    "numpy", "numba", "faiss-cpu", "gensim", "fastnode2vec", "implicit", "model2vec", "tokenizers",
    "sentence-transformers", "openvino",
)  # fmt: skip


def machine() -> str:
    """Return the machine and the versions, for the head of a report."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = re.findall(r"model name\s*: (.*)", cpuinfo.read_text())
        model = names[0] if names else model
    versions = ", ".join(filter(None, map(_versioned, _PACKAGES)))
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}\n"


def _versioned(name: str) -> str:
    """Return a package and its version, or nothing where this environment lacks it."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def data(name: str) -> Path | None:
    """Return a file of the data folder, or None, saying so."""
    root = Path(__file__).parents[1].parent
    path = Path(os.environ.get("EMBEDRY_DATA", root / "shared" / "data")) / name
    if path.exists():
        return path
    print(f"skipped: {name} is not in the data folder (set EMBEDRY_DATA)")
    return None


@cache
def folder() -> Path:
    """Return a temporary folder; it goes when Python ends."""
    made = tempfile.TemporaryDirectory(prefix="embedry-bench-")
    atexit.register(made.cleanup)
    return Path(made.name)


@cache
def wiki_text(tokens: int) -> Path | None:
    """Write about so many words of Wikipedia to a temporary file, a paragraph a line."""
    source = data("enwiki-16m-words.jsonl.gz")
    if source is None:
        return None
    path = folder() / f"wiki-{tokens}.txt"
    written = 0
    with gzip.open(source, "rt", encoding="utf-8") as articles, path.open("w") as file:
        for article in articles:
            for paragraph in json.loads(article)["text"].split("\n"):
                words = re.findall(r"\w+", paragraph.lower())
                if words:
                    file.write(" ".join(words) + "\n")
                    written += len(words)
            if written >= tokens:
                break
    return path


def cpu_seconds(work):
    """Return what a call gave, and the CPU seconds of this process that it took."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def alternate(first, second, rounds: int = 3) -> tuple[float, float]:
    """Run two works in turns; return the median CPU seconds of each."""
    times = ([], [])
    for _ in range(rounds):
        for place, work in enumerate((first, second)):
            times[place].append(cpu_seconds(work)[1])
    return statistics.median(times[0]), statistics.median(times[1])


def table(title: str, rows: Iterable[dict[str, object]]) -> None:
    """Print rows under their names, each as soon as it is there."""
    print(f"## {title}\n")
    for place, row in enumerate(rows):
        if not place:
            print("| " + " | ".join(row) + " |")
            print("|" + "---|" * len(row))
        print("| " + " | ".join(map(str, row.values())) + " |", flush=True)
    print(flush=True)
