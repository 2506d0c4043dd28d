"""A compiled graph: made once, kept in Embedry's cache folder, run on several batches at a time.

What it is: the one place that knows OpenVINO's settings. Each batch is computed by one thread, and
``threads`` batches at the same time, so the vectors do not depend on the number of threads. What
it is not: a setting of the process; nothing global is touched.
"""

from __future__ import annotations

import os
import platform
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import fingerprint
from embedry.encode.transformer.model.graph import openvino
from embedry.errors import InputError
from embedry.files import cache_dir, write_atomically
from embedry.threads import run_in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

__all__ = ["Runtime", "best_precision", "compiled"]

_HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}
_END = b"embedry-graph-2 "  # a file that ends otherwise, or of another checksum, is damaged
_MOST = 16  # graphs that are kept, some of hundreds of megabytes: those used last

Batch = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


@cache
def best_precision() -> str:
    """Return what is fastest here without another result: bfloat16 where the CPU has AMX.

    Returns
    -------
    str
        ``"bfloat16"`` or ``"float32"``. AVX512-BF16 without AMX does not count: there, OpenVINO
        2026.4 is slower in bfloat16 (0.6 of float32's speed, on an Emerald Rapids without AMX).
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return "float32"
    return "bfloat16" if "amx_bf16" in text.split() else "float32"


@dataclass(frozen=True, eq=False)
class Runtime:
    """A compiled graph, and how many batches it computes at a time.

    Attributes
    ----------
    compiled : openvino.CompiledModel
    threads : int
    kept : object
        Memory that the compiled graph shares, alive as long as it is.
    """

    compiled: Any
    threads: int
    kept: object = field(default=None, repr=False)

    def run(
        self,
        batches: Iterable[Batch],
        take: Callable[[int, list[NDArray[np.float32]]], None],
    ) -> None:
        """Compute batches.

        Parameters
        ----------
        batches : iterable of (rows, mask)
            Rows (batch, length, hidden) and mask (batch, length), float32.
        take : callable
            Is given the number of a batch, from 0, and what comes out, which is valid only
            until it returns. With several threads, batches end in any order, and this is
            called from each.
        """
        numbered, lock = enumerate(batches), Lock()

        def work(stop: Event) -> None:
            request = self.compiled.create_infer_request()
            while not stop.is_set():
                with lock:
                    found = next(numbered, None)
                if found is None:
                    return
                number, batch = found
                shared = _set(request, batch)
                request.infer()
                take(number, _outputs(request))
                del shared  # until here, the request reads it

        run_in_threads([work] * self.threads)


def _set(request: Any, batch: Batch) -> list[NDArray[np.float32]]:
    """Hand a batch to a request without a copy; return the arrays that it will read."""
    arrays = [np.ascontiguousarray(array) for array in batch]
    for number, array in enumerate(arrays):
        request.set_input_tensor(number, openvino().Tensor(array, shared_memory=True))
    return arrays


def _outputs(request: Any) -> list[NDArray[np.float32]]:
    return [tensor.data for tensor in request.output_tensors]


def compiled(
    build: Callable[[], tuple[Any, object]], key: str, precision: str, threads: int
) -> Runtime:
    """Compile a graph, or load what an earlier process compiled.

    Parameters
    ----------
    build : callable
        Returns the model, and memory that it shares.
    key : str
        A digest of all that the graph is made of.
    precision : {"float32", "bfloat16", "int8"}
    threads : int

    Returns
    -------
    Runtime

    Raises
    ------
    InputError
        If the CPU cannot compute in this precision.
    MissingExtraError
        If openvino is not installed.
    """
    ov = openvino()
    core = ov.Core()
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": _HINTS[precision]}
    if precision == "int8":
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = 128  # of numbers that share a scale
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bfloat16" and "BF16" not in able:
        raise InputError(
            "bfloat16 must be a precision of the CPU; this one has none. Use precision='auto'."
        )
    place = _place(core, key, settings)  # threads do not change what is compiled
    settings |= {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads}
    settings["ENABLE_CPU_PINNING"] = False
    if place is not None and (found := _load(ov, core, place, settings)) is not None:
        return Runtime(found[0], threads, found[1])
    model, kept = build()
    made = core.compile_model(model, "CPU", settings)
    if place is not None:
        _keep(made, place)
    return Runtime(made, threads, kept)


def _place(core: Any, key: str, settings: dict[str, Any]) -> Path | None:
    """Return where this graph is cached, or None where nothing can be."""
    versions = f"embedry-{version('embedry')}-openvino-{version('openvino')}"
    folder = cache_dir(f"graphs/{versions}")
    if folder is None:
        return None
    cpu = [platform.machine(), core.get_property("CPU", "FULL_DEVICE_NAME")]
    cpu += core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return folder / f"{fingerprint(key, cpu, settings)[:40]}.graph"


def _load(
    ov: Any, core: Any, place: Path, settings: dict[str, Any]
) -> tuple[Any, NDArray[np.uint8]] | None:
    """Return a graph and the mapped file that it shares; None where there is none to believe."""
    with suppress(OSError, RuntimeError, ValueError):  # it is compiled again
        data = np.asarray(np.memmap(place, np.uint8, "c"))  # OpenVINO takes no read-only memory
        end = len(data) - len(_trailer(b""))
        if end > 0 and bytes(data[end:]) == _trailer(data[:end].data):
            tensor = ov.Tensor(data[:end], shared_memory=True)
            graph = core.import_model(tensor, "CPU", settings)
            with suppress(OSError):
                os.utime(place)
            return graph, data
    return None


def _trailer(data: bytes | memoryview) -> bytes:
    """Return what stands behind a graph: its length and checksum."""
    checksum = zlib.crc32(data)
    return _END + memoryview(data).nbytes.to_bytes(8, "little") + checksum.to_bytes(4, "little")


def _keep(made: Any, place: Path) -> None:
    with suppress(OSError):  # it is compiled again by the next process
        stream = made.export_model()
        data = stream.getbuffer() if hasattr(stream, "getbuffer") else stream
        with write_atomically(place) as aside, aside.open("wb") as file:
            file.write(data)
            file.write(_trailer(data))
        _forget_the_oldest(place.parent.parent)


def _forget_the_oldest(folder: Path) -> None:
    """Delete the graphs that were used longest ago, those of other versions among them.

    A process that has one mapped keeps it until it ends.
    """
    used: list[tuple[float, Path]] = []
    for path in folder.glob("*/*.graph"):
        with suppress(OSError):  # another process deleted it
            used.append((path.stat().st_mtime, path))
    for _, path in sorted(used, reverse=True)[_MOST:]:
        with suppress(OSError):  # Windows deletes nothing that is mapped
            path.unlink()
