"""Whether what is to be learned fits into memory, asked before anything is allocated."""

from __future__ import annotations

import os
from pathlib import Path

from embedry.errors import InputError

__all__ = ["check_memory", "physical_memory"]

_CGROUP = Path("/sys/fs/cgroup/memory.max")  # what a container may take, on Linux


def check_memory(items: int, needed: int, allowed: float | None) -> None:
    """Refuse to learn weights between all items where they do not fit.

    Parameters
    ----------
    items : int
    needed : int
        Bytes.
    allowed : float or None
        Bytes; None for what this machine has.

    Raises
    ------
    InputError
        If more is needed; the message says how many items would fit.
    """
    there = physical_memory() if allowed is None else allowed
    if there is None or needed <= there:
        return
    fitting = int(items * (there / needed) ** 0.5)
    raise InputError(
        f"The weights between {items:,} items must fit into memory: they need "
        f"{needed / 1e9:,.3g} GB, there are {there / 1e9:,.3g} GB. Leave out items of few users "
        f"(up to {fitting:,} items fit), pass a larger memory= if there is more, or use ALS, "
        "which needs no square of the items."
    )


def physical_memory(limit: Path = _CGROUP) -> float | None:
    """Return the bytes of memory that this machine, or this container, has.

    Parameters
    ----------
    limit : Path
        The file that holds the bound of the container.

    Returns
    -------
    float or None
        None where the system does not tell.
    """
    known = [_machine(), _container(limit)]
    return min((bound for bound in known if bound is not None), default=None)


def _machine() -> float | None:
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return None


def _container(limit: Path) -> float | None:
    try:
        return float(limit.read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None
