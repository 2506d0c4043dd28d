"""The three forms of MovieLens, in tiny folders; and the real ones where EMBEDRY_DATA has them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from embedry.data.movielens import read_movielens
from embedry.errors import InputError


def flags(*places):
    """Return the 19 genres of u.item, some set."""
    return "|".join("1" if place in places else "0" for place in range(19))


FORMS = {
    "100k": {
        "u.data": "1\t10\t5\t881250949\n2\t10\t3\t891717742\n1\t20\t4\t878887116\n",
        "u.item": f"10|Toy Story (1995)|01-Jan-1995||http://x|{flags(3, 4, 5)}\n"
        f"20|Misérables, Les (1995)|||http://y|{flags(8)}\n30|unknown||||{flags(0)}\n",
        "u.user": "1|24|M|technician|85711\n2|53|F|other|94043\n",
    },
    "1m": {
        "ratings.dat": "1::10::5::881250949\n2::10::3::891717742\n1::20::4::878887116\n",
        "movies.dat": "10::Toy Story (1995)::Animation|Children's|Comedy\n"
        "20::Misérables, Les (1995)::Drama\n30::unknown::\n",
        "users.dat": "1::M::24::17::85711\n2::F::53::0::94043\n",
    },
    "latest": {
        "ratings.csv": "userId,movieId,rating,timestamp\n1,10,5.0,881250949\n"
        "2,10,3.0,891717742\n1,20,4.0,878887116\n",
        "movies.csv": "movieId,title,genres\n10,Toy Story (1995),Animation|Children's|Comedy\n"
        '20,"Misérables, Les (1995)",Drama\n30,unknown,(no genres listed)\n',
        "tags.csv": "userId,movieId,tag,timestamp\n1,10,pixar,1\n2,10,pixar,2\n"
        "2,10,fun,3\n9,99,x,1\n",
    },
}
ITEMS = (
    {"title": "Toy Story", "year": 1995, "genres": ["Animation", "Children's", "Comedy"]},
    {"title": "Misérables, Les", "year": 1995, "genres": ["Drama"]},
    {"title": "unknown", "genres": []},
)


def write(folder, form, encoding="utf-8", **changed):
    """Write the files of a form, some changed or (None) left out."""
    for name, text in (FORMS[form] | changed).items():
        if text is not None:
            code = "utf-8" if name.endswith(".csv") else encoding
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode(code))
    return folder


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_read_movielens_gives_ratings_and_movies(tmp_path, form, encoding, line_end):
    """The same ratings with times, and the same movies, from each form, in either encoding."""
    changed = {name: text.replace("\n", line_end) for name, text in FORMS[form].items()}
    data = read_movielens(write(tmp_path, form, encoding, **changed))
    ratings = data.ratings
    assert (ratings.user_ids, ratings.item_ids) == (("1", "2"), ("10", "20"))
    assert ratings.values.tolist() == [5, 4, 3]
    assert ratings.times.tolist() == [881250949, 878887116, 891717742]
    assert ratings.dropped == ({"header line": 1} if form == "latest" else {})
    assert data.items.ids == ("10", "20", "30")
    found = [dict(row) for row in data.items.metadata]
    tags = [row.pop("tags", None) for row in found]
    assert tuple(found) == ITEMS
    assert tags == [["pixar", "fun"] if form == "latest" else None, None, None]
    assert data.items.documents == ("Toy Story", "Misérables, Les", "unknown")
    notes = {"movie without year": 1, "movie without genres": 1}
    assert data.notes == notes | ({"tag of a movie without a row": 1} if form == "latest" else {})
    if form == "latest":
        assert data.users is None
    else:
        assert data.users.ids == ("1", "2")
        job = "technician" if form == "100k" else "technician/engineer"
        assert data.users.metadata[0] == {
            "age": 24, "gender": "M", "occupation": job, "zip": "85711",
        }  # fmt: skip


def test_read_movielens_reads_what_else_is_there(tmp_path):
    """Genres by u.genre; columns of csv by name, more of them or empty ones; no people, no tags."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    genres = "unknown|0\nNoir|1\n\n"
    items = "10|Toy Story (1995)||||0|1\n20|B (1990)||||0|0\n"
    data = read_movielens(
        write(tmp_path / "a", "100k", **{"u.genre": genres, "u.item": items, "u.user": None})
    )
    assert [row["genres"] for row in data.items.metadata] == [["Noir"], []]
    assert data.users is None
    ratings = "userId,movieId,rating,timestamp,,\n1,10,2.5,7,,\n1,99,2.5,7,,\n"
    data = read_movielens(
        write(tmp_path / "b", "latest", **{"ratings.csv": ratings, "tags.csv": None})
    )
    assert data.ratings.values.tolist() == [2.5, 2.5]
    assert data.notes["rated movie without a row"] == 1


def test_read_movielens_items_go_into_a_collection(tmp_path):
    """What is read can be upserted as it is, and found by year and genre."""
    from embedry.store.collection import Collection

    (tmp_path / "data").mkdir()
    items = read_movielens(write(tmp_path / "data", "latest")).items
    with Collection.open(tmp_path / "movies.embedry") as movies:
        movies.upsert(items.ids, documents=items.documents, metadata=items.metadata)
        assert movies.count(where={"year": {"$gte": 1990}}) == 2
        assert movies.count(where={"genres": {"$contains": "Drama"}}) == 1


@pytest.mark.parametrize(
    ("form", "name", "text", "message"),
    [
        ("100k", "u.data", "1\t10\tfive\t7\n", "u.data, line 1: the value"),
        ("100k", "u.data", "1\t10\t5\t7\n1\t20\t5\tx\n", "u.data, line 2: the time"),
        ("100k", "u.item", "10|Toy|\n", "u.item, line 1: there must be 24 fields"),
        ("100k", "u.item", f"10|T||||{flags(1)}2\n", "u.item, line 1: genres must be 0 or 1"),
        ("100k", "u.item", f"10|T||||{flags(1)}\n" * 2, "u.item, line 2: there must be an id that"),
        ("100k", "u.user", "1|old|M|x|1\n", "u.user, line 1: there must be a whole number"),
        ("1m", "movies.dat", "10::Toy::Drama\n\n20:Toy\n", "movies.dat, line 3: .* 3 fields"),
        ("1m", "users.dat", "1::M::24::21::1\n", r"users.dat, line 1: the occupation"),
        ("latest", "movies.csv", "movieId,title\n1,a\n", r"movies.csv, line 1: .*\['genres'\]"),
        ("latest", "movies.csv", "movieId,title,genres\n1,a\n", "movies.csv, line 2: .* 3 fields"),
        ("latest", "movies.csv", 'movieId,title,genres\n1,"a,b\n', "movies.csv, line 2: .*quotes"),
        (
            "latest",
            "movies.csv",
            b"movieId,title,genres\n1,\xe9,\n",
            "line 2: the file must be UTF-8",
        ),
        ("latest", "tags.csv", "", r"tags.csv, line 1: there must be columns"),
        ("latest", "ratings.csv", "userId,movieId,rating\n1,2,3\n", "'timestamp'"),
    ],
)
def test_read_movielens_names_file_and_line(tmp_path, form, name, text, message):
    """What is damaged is refused, where it is."""
    with pytest.raises(InputError, match=message):
        read_movielens(write(tmp_path, form, **{name: text}))


def test_read_movielens_says_what_is_missing(tmp_path):
    """No folder, another folder, an archive, or ratings without movies."""
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        read_movielens(tmp_path / "nothing")
    (tmp_path / "ml.zip").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match="Unpack it first"):
        read_movielens(tmp_path / "ml.zip")
    with pytest.raises(FileNotFoundError, match=re.escape("must hold one of u.data, ratings.dat")):
        read_movielens(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"movies\.csv, which belongs to these ratings"):
        read_movielens(write(tmp_path, "latest", **{"movies.csv": None}))


@pytest.mark.parametrize(
    ("name", "ratings", "movies"),
    [("movielens-100k", (943, 1682, 100_000), 1682), ("movielens-latest-small", None, None)],
)
def test_read_movielens_reads_the_real_ones(name, ratings, movies):
    """The published counts, where EMBEDRY_DATA has the data."""
    if not os.environ.get("EMBEDRY_DATA"):
        pytest.skip("EMBEDRY_DATA names no folder with MovieLens, which cannot be handed on")
    folder = Path(os.environ["EMBEDRY_DATA"]) / name
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    data = read_movielens(folder)
    assert len(data.items) >= len(data.ratings.item_ids)
    assert not data.notes.get("rated movie without a row")
    if ratings:
        assert (*data.ratings.shape, len(data.ratings)) == ratings
        assert len(data.items) == movies


def test_movielens_titles_may_hold_any_line_separator(tmp_path):
    """Only line ends of csv end a row: a title may hold U+2028, U+0085, VT, FF, or a quoted one."""
    title = "a\u2028b\u0085c\x0bd\x0ce"
    movies = f'movieId,title,genres\r\n10,{title} (1995),Drama\r\n20,"x\ny",Drama\r\n'
    found = read_movielens(write(tmp_path, "latest", **{"movies.csv": movies}))
    assert found.items.documents == (title, "x\ny")


def test_movielens_is_shown_in_a_line(tmp_path):
    """However many movies there are, the repr counts them."""
    found = read_movielens(write(tmp_path, "100k"))
    assert repr(found) == (
        "MovieLens(ratings=Interactions(2 users, 2 items, 3 pairs), items=Movies(3 movies), "
        "users=People(2 people), notes={'movie without year': 1, 'movie without genres': 1})"
    )


def test_movielens_refuses_what_is_no_path():
    """A path is a str or a Path."""
    for folder in (None, 3):
        with pytest.raises(InputError, match=f"path must be a str or a Path; got {folder}"):
            read_movielens(folder)
