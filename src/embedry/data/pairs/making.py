"""The ways to make interactions: of columns, files, frames and matrices.

What it is: an abstract class that `embedry.data.interactions.Interactions` completes; each way
says what it takes and what it refuses. What it is not: the reading itself (see ``foreign`` and
``embedry.data.tables``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from embedry.data.pairs.columns import ZERO, as_pairs, number_ids
from embedry.data.pairs.foreign import FORM, Named, read_frame, read_parquet, read_scipy
from embedry.data.pairs.rows import Pairs, Repeated, compress
from embedry.data.tables.reader import read_table
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from embedry.ids import Id

    Ids: TypeAlias = tuple[tuple[Id, ...], tuple[Id, ...]]
    Arrays: TypeAlias = tuple[
        NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], NDArray[np.int64] | None
    ]

__all__ = ["Making", "added"]


class Making(ABC):
    """What `embedry.data.interactions.Interactions` is made by."""

    @classmethod
    @abstractmethod
    def _of(
        cls,
        ids: Ids,
        arrays: Arrays,
        merged: int,
        dropped: Mapping[str, int],
        reading: tuple[str, ...] = (),
    ) -> Self:
        """Make one whose parts fit each other by how they were made."""

    @classmethod
    def _compressed(
        cls,
        ids: Ids,
        pairs: Pairs,
        dropped: Mapping[str, int],
        repeated: Repeated = "add",
        *,
        merged: int = 0,
        may_be_empty: bool = False,
        reading: tuple[str, ...] = (),
    ) -> Self:
        """Sort pairs and make one of those that came again, beside what was ``merged`` before."""
        rows = compress(pairs, (len(ids[0]), len(ids[1])), repeated)
        if not (may_be_empty or len(rows.indices)):
            raise InputError("Interactions must hold at least one pair of value above 0; got none.")
        arrays = (rows.indptr, rows.indices, rows.values, rows.times)
        left_out = added(dropped, {ZERO: rows.zeros})
        return cls._of(ids, arrays, merged + rows.merged, left_out, reading)

    @classmethod
    def from_triples(
        cls,
        users: Iterable[Id],
        items: Iterable[Id],
        values: ArrayLike | None = None,
        times: ArrayLike | None = None,
        *,
        repeated: Repeated = "add",
    ) -> Self:
        """Build from three columns of equal length, or four with times.

        Parameters
        ----------
        users, items : iterable of str or int, n of them
        values : array-like (n,), optional
            How strongly, finite and not negative: counts, ratings, weights; 1 each when left out.
            Zeros say "not used" and are left out, counted in ``dropped``; with
            ``repeated="latest"``, one that came last takes the pair back.
        times : array-like (n,), optional
            When: whole seconds since 1970, UTC; NumPy's datetime64, taken for UTC; or datetimes
            that know their zone. What is finer is cut to the second before.
        repeated : {"add", "latest"}
            What a pair that came again is worth, counted in ``merged``: ``"add"``, for counts,
            the sum; ``"latest"``, for ratings, the value of the latest time; of equal times, or
            without times, the one that came last. Its time is the latest in both cases.

        Returns
        -------
        Interactions
            Users and items in order of first appearance.

        Raises
        ------
        InputError
            If lengths differ, nothing is left, an id is missing or none, a value is no number,
            negative or not finite, a sum of values is beyond 1e12, or a time is missing or none:
            the message names the row, counted from 0.

        Notes
        -----
        One sort of the pairs. Integers in arrays never become Python objects; other names pass
        through a dict. Beside the input, some 60 bytes a row while it runs, 75 with times.
        """
        user_ids, user_codes = number_ids(users, "users")
        item_ids, item_codes = number_ids(items, "items")
        if len(user_codes) != len(item_codes):
            raise InputError(
                "users and items must be equally long; "
                f"got {len(user_codes)} and {len(item_codes)}."
            )
        pairs, dropped = as_pairs(user_codes, item_codes, values, times, repeated=repeated)
        return cls._compressed((user_ids, item_ids), pairs, dropped, repeated)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        delimiter: str | None = None,
        columns: Sequence[str | int] = (0, 1, 2),
        header: bool | None = None,
        time: str | int | None = None,
        repeated: Repeated = "add",
    ) -> Self:
        """Read a text table of user, item and, where there are, value and time, gzipped or not.

        Parameters
        ----------
        path : str or Path
            csv, tsv or ``::``-separated text, UTF-8.
        delimiter : str, optional
            Found out from the first line when left out: tab, ``::``, semicolon, comma or space.
            Blanks around a field that is not quoted belong to no name.
        columns : two or three of str or int
            The columns of user, item and value, by number from 0 or by header name. With the
            default, a third column is used when there is one and it is not the time: one that is
            headed ``timestamp``, ``time``, ``date`` or the like is no value. It is taken as the
            time where it holds whole numbers, or else left out, counted in ``dropped``.
        header : bool, optional
            Whether the first line names the columns. When left out: it does if a column is given
            by name, if its value (or time) is a word and the next line's is none, or, without
            both, if it begins with ``user`` or ``userId``, if both names are well-known ones
            (``customer_id``, ``product``), or both are words and both of the next line numbers.
            Well-known names above text are a header too. ``NA`` and what begins with a digit are
            no words. A header is counted in ``dropped``; ``reading`` says what was found out.
        time : str or int, optional
            The column of times, whole seconds since 1970; without it, none is read.
        repeated : {"add", "latest"}
            As in `from_triples`.

        Returns
        -------
        Interactions
            Ids are str, since text cannot tell ``1`` from ``"1"``. Empty lines are counted in
            ``dropped``; `report` says what was taken for what.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        InputError
            If it is no path or a folder, the text is not UTF-8 or empty, a column is missing or
            comes twice, a line is short, a quote stays open, a value is no number, negative or
            not finite, or a time no whole number: the message names the line.
        FileFormatError
            If it is gzipped and damaged or ends early, or its first bytes are those of UTF-16 or
            UTF-32, of another packer than gzip, or of Parquet.

        Notes
        -----
        Read in batches. Memory at most, beside each name once: some 70 bytes a line, 95 with
        times; at the end, 8 bytes a pair, 16 with times.
        """
        table = read_table(
            path, FORM, delimiter=delimiter, columns=columns, header=header, time=time
        )
        pairs, dropped = as_pairs(
            table.firsts, table.seconds, table.values, table.times, repeated=repeated
        )
        left_out = {**table.dropped, **dropped}
        return cls._compressed(table.names, pairs, left_out, repeated, reading=table.told)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        user: str = "user",
        item: str = "item",
        value: str | None = None,
        time: str | None = None,
        repeated: Repeated = "add",
    ) -> Self:
        """Build from columns of a DataFrame (pandas, polars), an Arrow table or a mapping.

        Parameters
        ----------
        frame : DataFrame, Table or mapping of str to column
            Anything whose ``frame[name]`` is a column.
        user, item : str
            The names of the two id columns.
        value : str, optional
            The name of the value column; every pair counts 1 when left out.
        time : str, optional
            The name of the column of times, as in `from_triples`; without it, none is read.
        repeated : {"add", "latest"}
            As in `from_triples`.

        Returns
        -------
        Interactions

        Raises
        ------
        InputError
            If it is no frame (of a LazyFrame, pass ``.collect()``), a column is missing, has a
            gap, or holds what ids, values or times must not be: the message names the row.
        """
        found = read_frame(frame, Named(user, item, value, time))
        return cls.from_triples(*found, repeated=repeated)

    @classmethod
    def from_parquet(
        cls,
        path: str | Path,
        *,
        user: str = "user",
        item: str = "item",
        value: str | None = None,
        time: str | None = None,
        repeated: Repeated = "add",
    ) -> Self:
        """Read columns of a Parquet file; needs pyarrow, which the extra ``arrow`` brings.

        Parameters
        ----------
        path : str or Path
        user, item, value, time, repeated
            As in `from_frame`.

        Returns
        -------
        Interactions
            Ids are str or int, as the columns are.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is no whole Parquet file, or a column is missing or has a gap.
        InputError
            If it is no path or a folder, or a column holds what ids, values or times must not be:
            the message names the row, counted from 0.
        MissingExtraError
            If pyarrow is not installed; it says how to install it.
        """
        found = read_parquet(path, Named(user, item, value, time))
        return cls.from_triples(*found, repeated=repeated)

    @classmethod
    def from_scipy(cls, matrix: Any) -> Self:
        """Build from a SciPy sparse matrix or array, users by items.

        Parameters
        ----------
        matrix : scipy.sparse matrix or array (users, items)
            Ids are the row and column numbers. Stored zeros are left out, counted in ``dropped``;
            entries stored twice are added up, as in SciPy.

        Returns
        -------
        Interactions
            Every row and column is there, also the empty ones.

        Raises
        ------
        InputError
            If it is not sparse with two dimensions, an index is out of range, or a value is no
            real number, negative or not finite: the message names its row and column.
        """
        entries = read_scipy(matrix)
        rows, columns = entries.row.astype(np.int32), entries.col.astype(np.int32)
        pairs, dropped = as_pairs(
            rows, columns, entries.data, None, lambda i: f"row {rows[i]}, column {columns[i]}"
        )
        users, items = entries.shape
        ids = tuple(range(users)), tuple(range(items))
        return cls._compressed(ids, pairs, dropped, may_be_empty=True)


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Add up counts by reason; those of 0 are left out.

    Parameters
    ----------
    one, other : mapping of str to int

    Returns
    -------
    dict of str to int
    """
    total = {reason: one.get(reason, 0) + other.get(reason, 0) for reason in {**one, **other}}
    return {reason: count for reason, count in total.items() if count}
