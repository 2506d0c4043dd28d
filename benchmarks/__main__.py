"""Run the benchmarks named on the command line, or all."""

import importlib
import os
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # read when NumPy and faiss are loaded: one thread for everybody

from benchmarks.report import machine  # noqa: E402

ALL = (
    "startup", "words", "word_quality", "threads", "graphs",
    "recommend", "leave_one_out", "evaluation", "coldstart", "search", "text",
    "transformer", "tuning",
)  # fmt: skip

if __name__ == "__main__":
    names = sys.argv[1:] or ALL
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"A benchmark must be one of {', '.join(ALL)}; got {', '.join(unknown)}.")
    print(machine(), flush=True)
    for name in names:
        importlib.import_module(f"benchmarks.{name}").run()
