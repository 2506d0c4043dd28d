"""What only a process of its own can tell: peak memory, and what the first use costs.

The peak is that of Linux (``VmHWM``), less what the process held before: Python, libraries and
compiled kernels. Not that of ``getrusage``, which a process has from the one that started it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELD = """
def held(name):
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith(name))
    return int(line.split()[1]) * 1024
"""

_PEAK = (
    _HELD
    + """
import gc, sys
{before}
gc.collect()
start = held("VmRSS")
{reading}
gc.collect()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak so far is forgotten: that of reading
{work}
print(held("VmHWM") - start)
"""
)

_FIRST = """
import time
{before}
began = time.process_time()
{work}
print(time.process_time() - began)
"""

_TEXT = "from embedry import Corpus\ntext = Corpus.from_lines(['a b c d'] * 9)"
_GRAPH = "from embedry import Graph\ngraph = Graph.from_edges([(1, 2), (2, 3), (3, 1)])"
_READ = (
    "import sys\nfrom embedry import Corpus\nopen(sys.argv[1], 'w').write('a b c d\\n' * 300_000)"
)

FIRST_USES = {
    "Corpus.from_file, 2 MB": (_READ, "Corpus.from_file(sys.argv[1])"),
    "Word2Vec.fit": (
        f"{_TEXT}\nfrom embedry import Word2Vec",
        "Word2Vec(16, threads=1).fit(text)",
    ),
    "Word2Vec.fit, CBOW": (
        f"{_TEXT}\nfrom embedry import Word2Vec",
        "Word2Vec(16, architecture='cbow', threads=1).fit(text)",
    ),
    "Word2Vec.fit, subwords": (
        f"{_TEXT}\nfrom embedry import Word2Vec\nfrom embedry.learn.words.ngrams import Subwords",
        "Word2Vec(16, subwords=Subwords(3, 6), threads=1).fit(text)",
    ),
    "Word2Vec.fit, CBOW of subwords": (
        f"{_TEXT}\nfrom embedry import Word2Vec\nfrom embedry.learn.words.ngrams import Subwords",
        "Word2Vec(16, architecture='cbow', subwords=Subwords(3, 6), threads=1).fit(text)",
    ),
    "DeepWalk.fit": (
        f"{_GRAPH}\nfrom embedry import DeepWalk",
        "DeepWalk(16, threads=1).fit(graph)",
    ),
    "Node2Vec.fit, q 2": (
        f"{_GRAPH}\nfrom embedry import Node2Vec",
        "Node2Vec(16, q=2, threads=1).fit(graph)",
    ),
}


def peak_bytes(before: str, reading: str, work: str, *arguments: str) -> int:
    """Return the bytes held at most during a work: what reading left, and the work's own."""
    return int(_printed(_PEAK.format(before=before, reading=reading, work=work), *arguments))


def compile_seconds() -> Iterator[dict[str, object]]:
    """Yield a row for each first use: with an empty cache, then with a full one."""
    return (_first_use(name, *code) for name, code in FIRST_USES.items())


def _first_use(name: str, before: str, work: str) -> dict[str, object]:
    code = _FIRST.format(before=before, work=work)
    with tempfile.TemporaryDirectory() as cache:
        more = {"EMBEDRY_CACHE": cache}
        first, *later = (
            float(_printed(code, f"{cache}/text.txt", environment=more)) for _ in range(4)
        )
    return {
        "what": name,
        "first": f"{first:.2f}",
        "later, best of 3": f"{min(later):.2f}",
        "asked": "3, then 0.6",
    }


def _printed(code: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run code in a process of its own; return the last line it printed."""
    command = [sys.executable, "-c", code, *arguments]
    whole = {**os.environ, **(environment or {})}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=whole)
    return done.stdout.strip().split("\n")[-1]


_LARGE = (
    _HELD
    + """
import time
import numpy as np
from embedry import Graph, walks
nodes, edges = {nodes}, {edges}
generator = np.random.default_rng(0)
# the expected degree of node i falls as (i + 1) ** -1/2: a power law with exponent 3 (Chung, Lu)
def ends():
    places = generator.random(edges)
    places **= 2  # (a share of rank x has weight x ** -1/2)
    places *= nodes
    return places.astype(np.int64)
sources, targets = ends(), ends()
began = time.process_time()
graph = Graph.from_edges((sources, targets))
built = time.process_time() - began
speeds = []
for turn in range(4):
    began = time.process_time()
    steps = sum(len(some.tokens) - len(some) for some in walks(graph, walks=1, seed=turn))
    speeds.append(steps / (time.process_time() - began))
print(len(graph), graph.edge_count, graph.degrees.max(), built, max(speeds[1:]), held("VmHWM"))
"""
)


def large_graph(nodes: int = 1_000_000, edges: int = 10_000_000) -> dict[str, object]:
    """Return the row of a large graph: edges, building, steps a second and the peak memory."""
    printed = _printed(_LARGE.format(nodes=nodes, edges=edges)).split()
    count, found, widest, built, speed, peak = map(float, printed)
    return {
        "nodes": f"{count:,.0f}",
        "edges drawn": f"{edges:,}",
        "edges": f"{found:,.0f}",
        "widest row": f"{widest:,.0f}",
        "building, CPU s": f"{built:.1f}",
        "steps/s, best of 3": f"{speed:,.0f}",
        "asked": "30,000,000",
        "peak memory MB, all of the process": f"{peak / 1e6:,.0f}",
    }
