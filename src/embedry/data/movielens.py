"""MovieLens: ratings, movies and people, from the folder that GroupLens offers for download.

What it is: a reader of the three forms the data has come in: 100K (``u.data``), 1M and 10M
(``ratings.dat``) and the newer ones (``ratings.csv``). What it is not: the data; its terms forbid
to hand it on, so download it from https://grouplens.org/datasets/movielens.

References
----------
Harper, Konstan 2015, The MovieLens Datasets: History and Context.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from embedry.data.interactions import Interactions
from embedry.errors import InputError
from embedry.files import as_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["MovieLens", "Movies", "People", "read_movielens"]

_Row: TypeAlias = Mapping[str, object]
_Rows: TypeAlias = dict[str, dict[str, object]]

_YEAR = re.compile(r"(.*?)\s*\((\d{4})\)\s*")
_NO_GENRES = frozenset({"", "unknown", "(no genres listed)"})
_GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_OCCUPATIONS_1M = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student",
    "customer service", "doctor/health care", "executive/managerial", "farmer", "homemaker",
    "K-12 student", "lawyer", "programmer", "retired", "sales/marketing", "scientist",
    "self-employed", "technician/engineer", "tradesman/craftsman", "unemployed", "writer",
)  # fmt: skip


@dataclass(frozen=True)
class Movies:
    """Movies, ready for ``Collection.upsert(movies.ids, documents=..., metadata=...)``.

    Attributes
    ----------
    ids : tuple of str
    metadata : tuple of dict
        ``title`` without its year; ``year`` (int), where there is one; ``genres`` (list of str);
        ``tags`` (list of str, each once), where the folder has ``tags.csv`` and the movie some.
    """

    ids: tuple[str, ...]
    metadata: tuple[_Row, ...]

    @property
    def documents(self) -> tuple[str, ...]:
        """The titles."""
        return tuple(str(row["title"]) for row in self.metadata)

    def __len__(self) -> int:
        """Return how many movies there are."""
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Movies({len(self):,} movies)"


@dataclass(frozen=True)
class People:
    """Who rated, where the folder tells.

    Attributes
    ----------
    ids : tuple of str
    metadata : tuple of dict
        ``age`` (int; in 1M the lowest of a range), ``gender``, ``occupation`` and ``zip``.
    """

    ids: tuple[str, ...]
    metadata: tuple[_Row, ...]

    def __len__(self) -> int:
        """Return how many people there are."""
        return len(self.ids)

    def __repr__(self) -> str:
        return f"People({len(self):,} people)"


@dataclass(frozen=True)
class MovieLens:
    """What `read_movielens` finds.

    Attributes
    ----------
    ratings : Interactions
        Stars, with times; ``ratings.implicit(least=4)`` makes likes of them.
    items : Movies
        In the order of their file, rated or not.
    users : People or None
        None where the folder tells nothing of them.
    notes : mapping of str to int
        Counted: ``"movie without year"``, ``"movie without genres"``, ``"rated movie without a
        row"``, ``"tag of a movie without a row"``.
    """

    ratings: Interactions
    items: Movies
    users: People | None = None
    notes: Mapping[str, int] = field(default_factory=dict)


def read_movielens(folder: str | Path) -> MovieLens:
    """Read the folder of a MovieLens data set, as unpacked.

    Parameters
    ----------
    folder : str or Path
        Holds ``u.data`` and ``u.item`` (100K), ``ratings.dat`` and ``movies.dat`` (1M, 10M), or
        ``ratings.csv`` and ``movies.csv`` (latest, 20M, 25M, 32M); also ``u.user``,
        ``users.dat`` and ``tags.csv`` are read where they are.

    Returns
    -------
    MovieLens
        Ids are str, as `Interactions.from_file` gives them.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or it holds no such ratings, or no movies beside them.
    InputError
        If it is no path, a line is not what it must be, or a csv file is not UTF-8: the message
        names the file and the line.

    Notes
    -----
    The older files are Latin-1, or UTF-8 where somebody converted them; both are read.

    Examples
    --------
    >>> data = read_movielens("ml-latest-small")  # doctest: +SKIP
    >>> data  # doctest: +SKIP
    MovieLens(ratings=Interactions(671 users, 9,066 items, 100,004 pairs), \
items=Movies(9,125 movies), users=None, notes={'movie without year': 6, 'movie without genres': 18})
    >>> data.ratings.implicit(least=4)  # doctest: +SKIP
    Interactions(671 users, 6,170 items, 51,568 pairs)
    """
    place = as_path(folder)
    if not place.is_dir():
        advice = " Unpack it first." if place.suffix == ".zip" else ""
        raise FileNotFoundError(f"There is no folder {place}.{advice} Pass the unpacked folder.")
    for name, form in _FORMS.items():
        if (place / name).is_file():
            return form(place)
    raise FileNotFoundError(
        f"{place} must hold one of {', '.join(_FORMS)}; it has none of them. Pass the folder of a "
        "MovieLens data set from https://grouplens.org/datasets/movielens."
    )


# --- the three forms ---------------------------------------------------------------------------


def _read_100k(place: Path) -> MovieLens:
    ratings = _ratings(place / "u.data", "\t")
    names: Sequence[str] = _GENRES_100K
    if (place / "u.genre").is_file():
        names = [row[0] for _, row in _lines(place / "u.genre", "|", 2)]
    movies: _Rows = {}
    for where, row in _lines(place / "u.item", "|", 5 + len(names)):
        flags = row[5:]
        if set(flags) - {"0", "1"}:
            raise InputError(f"{where}: genres must be 0 or 1; got {flags}. Mend the line.")
        genres = [name for name, flag in zip(names, flags, strict=True) if flag == "1"]
        _put(where, movies, row[0], _movie(row[1], genres))
    people: _Rows = {}
    for where, row in _optional(place / "u.user", "|", 5):
        age, gender, occupation, code = row[1:]
        facts = {"age": _whole(where, age), "gender": gender, "occupation": occupation, "zip": code}
        _put(where, people, row[0], facts)
    return _found(ratings, movies, people)


def _read_1m(place: Path) -> MovieLens:
    ratings = _ratings(place / "ratings.dat", "::")
    movies: _Rows = {}
    for where, row in _lines(place / "movies.dat", "::", 3):
        _put(where, movies, row[0], _movie(row[1], row[2].split("|")))
    people: _Rows = {}
    for where, row in _optional(place / "users.dat", "::", 5):
        number = _whole(where, row[3])
        if not 0 <= number < len(_OCCUPATIONS_1M):
            raise InputError(f"{where}: the occupation must be in [0, 20]; got {number}.")
        facts = {"age": _whole(where, row[2]), "gender": row[1]}
        facts |= {"occupation": _OCCUPATIONS_1M[number], "zip": row[4]}
        _put(where, people, row[0], facts)
    return _found(ratings, movies, people)


def _read_latest(place: Path) -> MovieLens:
    ratings = _ratings(place / "ratings.csv", ",", ("userId", "movieId", "rating"), "timestamp")
    movies: _Rows = {}
    for where, row in _csv_rows(place / "movies.csv", ("movieId", "title", "genres")):
        _put(where, movies, row[0], _movie(row[1], row[2].split("|")))
    tags: defaultdict[str, dict[str, None]] = defaultdict(dict)
    if (place / "tags.csv").is_file():
        for _, row in _csv_rows(place / "tags.csv", ("movieId", "tag")):
            tags[row[0]][row[1]] = None
    for movie, names in tags.items():
        if movie in movies:
            movies[movie]["tags"] = list(names)
    return _found(ratings, movies, {}, sum(movie not in movies for movie in tags))


_FORMS: dict[str, Callable[[Path], MovieLens]] = {
    "u.data": _read_100k,
    "ratings.dat": _read_1m,
    "ratings.csv": _read_latest,
}


def _ratings(
    path: Path,
    delimiter: str,
    columns: tuple[str | int, ...] = (0, 1, 2),
    time: str | int = 3,
) -> Interactions:
    header = isinstance(time, str)
    return Interactions.from_file(
        path, delimiter=delimiter, columns=columns, header=header, time=time, repeated="latest"
    )


def _movie(title: str, genres: list[str]) -> dict[str, object]:
    """Return what is known of a movie, its year taken out of its title."""
    parted = _YEAR.fullmatch(title)
    facts: dict[str, object] = {"title": parted[1] if parted else title.strip()}
    if parted:
        facts["year"] = int(parted[2])
    return facts | {"genres": [genre for genre in genres if genre not in _NO_GENRES]}


def _found(
    ratings: Interactions,
    movies: _Rows,
    people: _Rows,
    strange_tags: int = 0,
) -> MovieLens:
    notes = {
        "movie without year": sum("year" not in row for row in movies.values()),
        "movie without genres": sum(not row["genres"] for row in movies.values()),
        "rated movie without a row": sum(item not in movies for item in ratings.item_ids),
        "tag of a movie without a row": strange_tags,
    }
    return MovieLens(
        ratings,
        Movies(tuple(movies), tuple(movies.values())),
        People(tuple(people), tuple(people.values())) if people else None,
        {what: count for what, count in notes.items() if count},
    )


# --- lines -------------------------------------------------------------------------------------


def _lines(path: Path, mark: str, width: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the file and line, and the fields, of lines without quotes."""
    data = _bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # every byte is a letter
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line.strip():
            where, row = f"{path}, line {number}", line.split(mark)
            if len(row) != width:
                raise InputError(
                    f"{where}: there must be {width} fields, parted by {mark!r}; got {len(row)}. "
                    "Mend the line, or unpack the data set again."
                )
            yield where, row


def _optional(path: Path, mark: str, width: int) -> Iterator[tuple[str, list[str]]]:
    return _lines(path, mark, width) if path.is_file() else iter(())


def _csv_rows(path: Path, names: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield the file and line, and some of the columns."""
    try:
        text = _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}, line {number}: the file must be UTF-8; {error.reason}. Unpack the data set "
            "again, or convert the file."
        ) from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)  # U+2028 ends no line
    try:
        head = next(rows, [])
        if missing := [name for name in names if name not in head]:
            raise InputError(f"{path}, line 1: there must be columns {missing}; got {head}.")
        places = [head.index(name) for name in names]
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            if row and len(row) != len(head):
                raise InputError(
                    f"{where}: there must be {len(head)} fields, as in the first line; got "
                    f"{len(row)}. Mend the line, or unpack the data set again."
                )
            if row:
                yield where, [row[place] for place in places]
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}. Mend the quotes.") from error


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}, which belongs to these ratings. Unpack the data set again."
        )
    return path.read_bytes()


def _put(where: str, rows: _Rows, id: str, facts: dict[str, object]) -> None:
    if not id or id in rows:
        raise InputError(f"{where}: there must be an id that came not before; got {id!r}.")
    rows[id] = facts


def _whole(where: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{where}: there must be a whole number; got {text!r}.") from None
