"""What the arguments of commands are called and mean, where several commands share them.

What it is: names with their help, and the reading of what a shell can only pass as text. What it
is not: the checking of values, which whoever takes them does.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from embedry.data.graph import Graph
    from embedry.data.interactions import Interactions
    from embedry.ids import Id

__all__ = [
    "AsJson",
    "CollectionPath",
    "Columns",
    "Delimiter",
    "Dims",
    "Directed",
    "EdgesFile",
    "Epochs",
    "HowMany",
    "LearningRate",
    "Least",
    "Length",
    "Negative",
    "Out",
    "PairColumns",
    "PairsFile",
    "Reach",
    "Seed",
    "Threads",
    "ValueColumns",
    "WalksPerNode",
    "as_columns",
    "as_delimiter",
    "check_folder_of",
    "known_id",
    "read_graph",
    "read_interactions",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
CollectionPath = Annotated[Path, typer.Argument(help="The directory of the collection.")]
HowMany = Annotated[int, typer.Option("--k", "-k", help="How many to show.")]

Out = Annotated[Path, typer.Option("--out", "-o", help="The model file to write.")]
Dims = Annotated[int, typer.Option(help="The width of a vector.")]
Reach = Annotated[int, typer.Option(help="How far to look on each side, at most.")]
Negative = Annotated[int, typer.Option(help="Random ones told from each true one.")]
Epochs = Annotated[int, typer.Option(help="Times through all of it.")]
LearningRate = Annotated[float | None, typer.Option(help="At the start; falls to 0.0001.")]
Seed = Annotated[int, typer.Option(help="For the random numbers.")]
Threads = Annotated[int | None, typer.Option(help="1 gives the same bytes each time.")]

EdgesFile = Annotated[
    Path, typer.Argument(help="Source, target and perhaps weight, an edge a line; .gz is unpacked.")
]
WalksPerNode = Annotated[int, typer.Option(help="Walks from each node.")]
Length = Annotated[int, typer.Option(help="Nodes of a walk.")]
Directed = Annotated[bool, typer.Option("--directed", help="Edges lead one way.")]
Delimiter = Annotated[
    str | None, typer.Option(help="Between columns; else found out. A tab may be written '\\t'.")
]
Columns = Annotated[
    str | None, typer.Option(help="Of source, target, weight: '0,1' or names in the first line.")
]
ValueColumns = Annotated[
    str | None, typer.Option(help="Of user, item, value: '0,1,2' or names in the first line.")
]
Least = Annotated[
    float | None, typer.Option(help="Ratings below are left out; the others count 1 each.")
]
PairsFile = Annotated[
    Path, typer.Argument(help="User, item and perhaps value, a pair a line; or .gz, .parquet.")
]
PairColumns = Annotated[
    str | None, typer.Option(help="Of user and item: '0,1' or names in the first line.")
]

_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}")


def check_folder_of(out: Path) -> None:
    """Say before the learning, not after it, that its result has no place.

    Parameters
    ----------
    out : Path
        The file to write.

    Raises
    ------
    InputError
        If it is a folder, or its folder is not there or cannot be written.
    """
    if not out.parent.is_dir() or out.is_dir():
        raise InputError(f"--out must be a file in a folder that is there; got {out}.")
    if not os.access(out.parent, os.W_OK):
        raise InputError(
            f"--out must be a file in a folder that can be written; got {out}. Choose another "
            "folder, or change who may write there."
        )


def known_id(known: Container[object], text: str) -> Id:
    """Read an id from the command line.

    Parameters
    ----------
    known : container of ids
    text : str

    Returns
    -------
    str or int
        The text as it stands, or a number where only the number that it writes is known; 01 and
        -0 write none, so that two texts are never one id.
    """
    is_number = text not in known and _WHOLE_NUMBER.fullmatch(text) and int(text) in known
    return int(text) if is_number else text


def as_columns(text: str | None) -> list[str | int] | None:
    """Read the columns of a table from the command line.

    Parameters
    ----------
    text : str or None
        Such as ``"0,1"`` or ``"from,to,weight"``.

    Returns
    -------
    list of str or int, or None
        Whole numbers as int; None where nothing was passed.
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    return [int(name) if re.fullmatch(r"[0-9]{1,9}", name) else name for name in names]


def as_delimiter(text: str | None) -> str | None:
    r"""Read what parts columns from the command line, where a tab is hard to type.

    Parameters
    ----------
    text : str or None

    Returns
    -------
    str or None
        With a tab for each ``\t``.
    """
    return None if text is None else text.replace("\\t", "\t")


def read_graph(edges: Path, delimiter: str | None, columns: str | None, *, directed: bool) -> Graph:
    """Read a graph as the options say; see `embedry.Graph.from_file`.

    Parameters
    ----------
    edges : Path
    delimiter, columns : str or None
        As typed.
    directed : bool

    Returns
    -------
    Graph

    Raises
    ------
    FileNotFoundError, InputError, FileFormatError
        As `embedry.Graph.from_file`.
    """
    from embedry.data.graph import Graph

    return Graph.from_file(
        edges,
        delimiter=as_delimiter(delimiter),
        columns=as_columns(columns) or (0, 1, 2),
        directed=directed,
    )


def read_interactions(
    table: Path,
    delimiter: str | None,
    columns: str | None,
    least: float | None,
    time: str | None = None,
) -> Interactions:
    """Read who used what as the options say; see `from_file` and `from_parquet` of Interactions.

    Parameters
    ----------
    table : Path
    delimiter, columns : str or None
        As typed.
    least : float or None
        As `embedry.Interactions.implicit` takes it; then the last of several ratings of a pair
        holds. None keeps values as they are, and adds them up.
    time : str or None
        The column of times, as typed.

    Returns
    -------
    Interactions

    Raises
    ------
    FileNotFoundError, InputError, FileFormatError
        As `embedry.Interactions.from_file`, InputError as its ``implicit``; and InputError if
        columns of a Parquet file are numbers.
    MissingExtraError
        If a Parquet file is to be read without pyarrow.
    """
    from embedry.data.interactions import Interactions

    repeated: Literal["add", "latest"] = "add" if least is None else "latest"
    named, when = as_columns(columns), None if time is None else (as_columns(time) or [time])[0]
    if table.suffix.lower() == ".parquet":
        names = _names(named or ("user", "item"))
        names |= {} if time is None else {"time": time}
        found = Interactions.from_parquet(table, **names, repeated=repeated)
    else:
        found = Interactions.from_file(
            table,
            delimiter=as_delimiter(delimiter),
            columns=named or (0, 1, 2),
            time=when,
            repeated=repeated,
        )
    return found if least is None else found.implicit(least)


def _names(columns: Sequence[str | int]) -> dict[str, str]:
    """Return the columns of a Parquet file by what they hold."""
    if not all(isinstance(column, str) for column in columns):
        raise InputError(
            f"--columns must be names where the file is Parquet, such as user,item,rating; got "
            f"{','.join(map(str, columns))}."
        )
    return dict(zip(("user", "item", "value", "time"), map(str, columns), strict=False))
