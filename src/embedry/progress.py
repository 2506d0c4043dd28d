"""Progress: a bar in a terminal, nothing when piped.

Long work takes one `Progress` and tells it how far it is. The bar goes to standard error, so
that results on standard output stay clean, and is drawn by rich, which is loaded only when a
bar is really shown.
"""

from __future__ import annotations

import sys
from collections.abc import Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Advance", "bar", "progress"]

Item = TypeVar("Item")


class Advance(Protocol):
    """What long work calls to say how far it is."""

    def __call__(self, steps: float = 1) -> None:
        """Advance the bar by ``steps``."""


def _no_bar(steps: float = 1) -> None:
    """Advance nothing: the bar of work whose output is piped."""


@contextmanager
def bar(description: str, total: float | None = None) -> Iterator[Advance]:
    """Show a bar while the block runs, when standard error is a terminal.

    Parameters
    ----------
    description : str
        What is being done, such as ``"Learning words"``.
    total : float, optional
        Steps until the end; None when nobody knows.

    Yields
    ------
    Advance
        Call it with the steps done since the last call.
    """
    if not sys.stderr.isatty():
        yield _no_bar
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(description, total=total)

        def advance(steps: float = 1) -> None:
            display.advance(task, steps)

        yield advance


def progress(items: Iterable[Item], description: str, total: float | None = None) -> Iterator[Item]:
    """Yield ``items`` one by one, with a bar when standard error is a terminal.

    Parameters
    ----------
    items : iterable
        What to go through.
    description : str
        What is being done.
    total : float, optional
        How many there are; taken from ``len(items)`` where it has one.

    Yields
    ------
    Item
        The items, unchanged and in order.

    Examples
    --------
    >>> [number * 2 for number in progress([1, 2, 3], "Doubling")]
    [2, 4, 6]
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with bar(description, total) as advance:
        for item in items:
            yield item
            advance(1)
