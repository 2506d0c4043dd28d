"""Columns against plain dicts, and the text of metadata against itself."""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.store.metadata.column import ListColumn, NumberColumn, TextColumn
from embedry.store.metadata.columns import Columns
from embedry.store.metadata.rows import (
    decode_metadata,
    encode_metadata,
    fits,
    kind_of,
    microseconds,
    plain_value,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)  # noqa: DTZ001
VALUES = {
    "flag": st.booleans(),
    "count": INTS,
    "weight": st.one_of(FLOATS, st.integers(-(2**53), 2**53)),
    "name": st.sampled_from(["", "a", "b", "ab", "é"]),
    "seen": MOMENTS,
    "tags": st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
}
ROWS = st.fixed_dictionaries({}, optional=VALUES)
PATCHES = st.fixed_dictionaries(
    {}, optional={key: st.none() | values for key, values in VALUES.items()} | {"count": FLOATS}
)
ANY_ROWS = st.dictionaries(
    TEXTS.filter(lambda key: key and key[0] != "$"),
    st.one_of(st.booleans(), INTS, FLOATS, TEXTS, MOMENTS, st.lists(TEXTS, max_size=3)),
    max_size=4,
)
CHANGES = st.lists(
    st.one_of(
        st.dictionaries(st.integers(0, 12), ROWS, max_size=4),
        st.sets(st.integers(0, 12), max_size=3),
    ),
    max_size=12,
)


def rows_of(columns):
    """Read every row back from the arrays."""
    rows = [{} for _ in range(len(columns))]
    for key, kind in columns.kinds.items():
        column = columns.get(key)
        for position in np.flatnonzero(column.present):
            rows[position][key] = value_at(column, kind, position)
    return rows


def value_at(column, kind, position):
    if isinstance(column, TextColumn):
        (text,) = [t for t in column._numbers if column.among([t])[position]]
        return text
    if isinstance(column, ListColumn):
        return {text for text in column._numbers if column.containing(text)[position]}
    return (kind, column.values[position].item())


def mirrored(row, kinds):
    """Return what `rows_of` must read for a row of plain values."""
    mirror = {}
    for key, value in row.items():
        if isinstance(value, list):
            mirror[key] = set(value)
        elif isinstance(value, str):
            mirror[key] = value
        else:
            number = microseconds(value) if isinstance(value, datetime) else value
            mirror[key] = (kinds[key], number)
    return mirror


def answered_where_missing(columns):
    """Return the strings that a column finds at positions without a value."""
    found = []
    for key in columns.kinds:
        column = columns.get(key)
        if isinstance(column, TextColumn):
            masks = {text: column.among([text]) for text in column._numbers}
            masks |= {"any": column.among(column._numbers), "test": column.passing(lambda _: True)}
            found += [text for text, mask in masks.items() if mask[~column.present].any()]
        if isinstance(column, ListColumn):
            masks = {text: column.containing(text) for text in column._numbers}
            found += [text for text, mask in masks.items() if mask[~column.present].any()]
    return found


def kinds_of_row(row):
    columns = Columns()
    columns.set([0], [row])
    return columns.kinds


def exactly(row):
    return {key: (type(value), value) for key, value in row.items()}


@given(CHANGES)
def test_columns_mirror_the_rows_of_a_dict(changes):
    """After any sets and clears, the arrays hold what a dict of whole rows holds."""
    columns, expected = Columns(), {}
    for change in changes:
        if isinstance(change, dict):
            columns.set(list(change), list(change.values()))
            expected |= change
        else:
            gone = [position for position in change if position < len(columns)]
            columns.clear(gone)
            expected |= {position: {} for position in gone}
        n = max(expected, default=-1) + 1
        kinds = columns.kinds
        assert len(columns) == n
        assert set(kinds) == {key for row in expected.values() for key in row}
        assert rows_of(columns) == [mirrored(expected.get(i, {}), kinds) for i in range(n)]
        assert all(columns.get(key).count == columns.get(key).present.sum() for key in kinds)
        assert all(columns.get(key).present.shape == (n,) for key in kinds)
        assert answered_where_missing(columns) == []


def test_columns_keep_each_kind_in_its_dtype():
    """The kinds are told apart, bool from int too, and None is as good as left out."""
    columns = Columns()
    moment = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    row = {"b": True, "i": 1, "f": 1.0, "s": "x", "d": moment, "l": [], "none": None}
    columns.set([0], [row])
    expected = {"b": "bool", "i": "int", "f": "float", "s": "str", "d": "datetime", "l": "list"}
    assert columns.kinds == expected
    assert columns.get("none") is None
    assert columns.get("b").values.dtype == np.bool_
    assert columns.get("f").values.dtype == np.float64
    assert columns.get("d").values.tolist() == [1_000_000]


def test_columns_set_replaces_the_whole_row():
    """A key that the new row lacks is missing afterwards."""
    columns = Columns()
    columns.set([0, 1], [{"a": 1, "b": "x"}, {"b": "y"}])
    columns.set([0], [{"c": 2}])
    assert columns.kinds == {"b": "str", "c": "int"}
    assert columns.get("b").present.tolist() == [False, True]


def test_columns_forget_a_column_with_its_last_value():
    """A key that no item has may come back as another type."""
    columns = Columns()
    columns.set([0], [{"a": 1}])
    with pytest.raises(InputError, match="holds int, got the str"):
        columns.set([1], [{"a": "x"}])
    columns.clear([0])
    columns.set([0], [{"a": "x"}])
    assert columns.kinds == {"a": "str"}


def test_columns_are_not_bound_by_the_rows_that_leave():
    """Rows that replace all values of a key may bring another type; a value that stays binds."""
    columns = Columns()
    columns.set([0, 1], [{"a": 2**63 - 1}, {"a": 1}])
    with pytest.raises(InputError, match="holds int, got the str"):
        columns.set([0], [{"a": "x"}])
    with pytest.raises(InputError, match=r"2\*\*53"):
        columns.set([1], [{"a": 0.5}])
    columns.set([0], [{"a": 0.5}])
    assert rows_of(columns) == [{"a": ("float", 0.5)}, {"a": ("float", 1.0)}]
    columns.set([0, 1, 2], [{"a": "x"}, {"a": "y"}, {}])
    assert rows_of(columns) == [{"a": "x"}, {"a": "y"}, {}]
    columns.set([0, 1], [{"a": 2**63 - 1}, {}])
    assert rows_of(columns) == [{"a": ("int", 2**63 - 1)}, {}, {}]


def test_columns_widen_int_to_float():
    """A float makes a column of int one of float, whichever comes first."""
    for rows in [{"a": 3}, {"a": 0.5}], [{"a": 0.5}, {"a": 3}]:
        together, apart = Columns(), Columns()
        together.set([0, 1], rows)
        apart.set([0], rows[:1])
        apart.set([1], rows[1:])
        for columns in together, apart:
            assert columns.kinds == {"a": "float"}
            assert columns.get("a").values.dtype == np.float64
            assert columns.get("a").values.tolist() == [row["a"] for row in rows]


@pytest.mark.parametrize("large", [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)])
def test_columns_refuse_to_widen_beyond_exact_ints(large):
    """Neither order, nor one batch, may make a float of an int beyond 2**53."""
    for first, second in [(large, 0.5), (0.5, large)]:
        columns = Columns()
        columns.set([0], [{"a": first}])
        with pytest.raises(InputError, match=r"row 0 \(id 'x'\), key 'a'.*2\*\*53"):
            columns.set([1], [{"a": second}], ids=["x"])
        with pytest.raises(InputError, match=r"2\*\*53"):
            Columns().check([{"a": first}, {"a": second}])
        assert rows_of(columns) == [{"a": ("int" if first == large else "float", first)}]


def test_columns_widen_ints_up_to_the_exact_bound():
    """2**53 itself is exact; large ints alone stay ints; large floats are no ints."""
    columns = Columns()
    columns.set([0, 1], [{"a": 2**53}, {"a": -(2**53)}])
    columns.set([2], [{"a": 0.5}])
    columns.check([{"a": 2**53}, {"a": -(2**53)}])
    assert columns.get("a").values.tolist() == [2.0**53, -(2.0**53), 0.5]
    columns.set([3], [{"a": 1e300}])
    columns.set([4], [{"a": 7}])
    assert columns.get("a").values.tolist()[3:] == [1e300, 7.0]
    columns.set([0, 1], [{"big": 2**63 - 1}, {"big": -(2**63)}])
    assert columns.get("big").values.tolist()[:2] == [2**63 - 1, -(2**63)]


KINDS = {
    "bool": True,
    "int": 1,
    "float": 0.5,
    "str": "x",
    "datetime": datetime(2024, 1, 1, tzinfo=UTC),
    "list": ["x"],
}


@pytest.mark.parametrize("held", KINDS)
@pytest.mark.parametrize("came", KINDS)
def test_columns_refuse_a_change_of_type_and_change_nothing(held, came):
    """Of all pairs of kinds only equal ones, and int with float, share a column."""
    columns = Columns()
    columns.set([0], [{"a": KINDS[held]}])
    before = rows_of(columns)
    rows, ids = [{"b": 1}, {"b": 2, "a": KINDS[came]}], ["x", 7]
    if held == came or {held, came} == {"int", "float"}:
        assert fits(came, held)
        columns.set([1, 2], rows)
        return
    assert not fits(came, held)
    message = rf"row 1 \(id 7\), key 'a': .*holds {held}, got the {came} "
    with pytest.raises(InputError, match=message):
        columns.set([1, 2], rows, ids=ids)
    with pytest.raises(InputError, match=message):
        columns.check(rows, ids=ids)
    with pytest.raises(InputError, match=f"row 1, key 'a': .*holds {held}, got the {came} "):
        Columns().check([{"a": KINDS[held]}, {"a": KINDS[came]}])
    assert (rows_of(columns), len(columns)) == (before, 1)


class Colour(str, enum.Enum):  # noqa: UP042 - str() of a StrEnum is its value, of this its name
    RED = "red"


class Later(datetime):
    """Stands for pandas' Timestamp, which counts nanoseconds."""

    nanosecond = 5


class NotATime(datetime):
    """Stands for pandas' NaT, a datetime whose offset is not one."""

    def utcoffset(self):
        return self


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.True_, True),
        (np.int8(-3), -3),
        (np.uint64(5), 5),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.str_("é"), "é"),
        (Colour.RED, "red"),
        (("a", np.str_("b")), ["a", "b"]),
        ([], []),
        (
            datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            datetime(2023, 12, 31, 23, tzinfo=UTC),
        ),
    ],
)
def test_plain_value_is_plain_python(value, plain):
    """NumPy scalars, subclasses and zones become the plain type, which is kept as it is."""
    assert exactly({"a": plain_value(value)}) == exactly({"a": plain})
    assert exactly({"a": plain_value(plain)}) == exactly({"a": plain})
    if isinstance(plain, datetime):
        assert plain_value(value).tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"b": 1}, "of type dict.*spread a dict"),
        (b"x", "of type bytes"),
        (1j, "of type complex"),
        (np.array([1]), "of type ndarray"),
        (np.timedelta64(1, "s"), "of type timedelta64"),
        (np.datetime64("2024-01-01"), "of type datetime64"),
        (np.longdouble("0.1"), "of type longdouble"),
        (datetime(2024, 1, 1).date(), "of type date"),  # noqa: DTZ001
        (float("nan"), "finite; got nan"),
        (np.float64("inf"), "finite; got inf"),
        (2**63, "fit 64 bits"),
        (-(2**63) - 1, "fit 64 bits"),
        (np.uint64(2**63), "fit 64 bits"),
        (datetime(2024, 1, 1), "must have a time zone.*timezone.utc"),  # noqa: DTZ001
        (NotATime(2024, 1, 1), "must have a time zone"),
        (Later(2024, 1, 1, tzinfo=UTC), "in microseconds"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "years 1 to 9999"),
        ("\ud800", "half a surrogate pair"),
        (["a", 1], "hold str alone; got 1"),
        (["a", None], "hold str alone; got None"),
        (["\ud800"], "half a surrogate pair"),
    ],
)
def test_plain_value_refuses_what_is_no_metadata(value, message):
    """Each bad value is named with its fix; a row's number, id and key come in front."""
    with pytest.raises(InputError, match=message):
        plain_value(value)
    with pytest.raises(InputError, match=f"(?s)row 1 \\(id 'y'\\), key 'k': .*{message}"):
        Columns().check([{"k": 1}, {"k": value}], ids=["x", "y"])


@pytest.mark.parametrize("key", ["", "$x", 1, None, "\ud800"])
def test_columns_refuse_bad_keys(key):
    """A key is a str, not empty, without a leading $, that UTF-8 can hold."""
    with pytest.raises(InputError, match="row 0, key "):
        Columns().check([{key: 1}])
    with pytest.raises(InputError):
        encode_metadata({key: 1})


@pytest.mark.parametrize("row", [None, [("a", 1)], "a"])
def test_columns_refuse_rows_that_are_no_mappings(row):
    """A row must be a mapping; the message names it."""
    with pytest.raises(InputError, match="Metadata row 1: a row must be a dict"):
        Columns().check([{}, row])


def test_columns_check_returns_plain_rows_and_changes_nothing():
    """Rows come back plain, None kept, and the columns stay as they were."""
    columns = Columns()
    columns.set([0], [{"a": 1}])
    rows = columns.check([{"a": np.float64(0.5), "b": None}, {}])
    assert [exactly(row) for row in rows] == [exactly({"a": 0.5, "b": None}), {}]
    assert columns.kinds == {"a": "int"}
    assert len(columns) == 1


@given(st.lists(st.tuples(ROWS, PATCHES), max_size=4))
def test_columns_take_a_checked_patch_merged(pairs):
    """A patch that passes the check passes as part of the merged row."""
    rows, patches = [row for row, _ in pairs], [patch for _, patch in pairs]
    columns = Columns()
    columns.set(range(len(rows)), rows)
    try:
        checked = columns.check(patches)
    except InputError:
        return
    merged = [row | patch for row, patch in zip(rows, checked, strict=True)]
    columns.set(range(len(merged)), merged)
    kept = [{k: v for k, v in row.items() if v is not None} for row in merged]
    assert rows_of(columns) == [mirrored(row, columns.kinds) for row in kept]


@pytest.mark.parametrize("positions", [[-1], [0.0], [[0]], ["a"], [True], [0, 0], 0])
def test_columns_refuse_bad_positions(positions):
    """Positions are ints from 0 that differ, in a list."""
    columns = Columns()
    rows = [{}] * np.size(positions)
    with pytest.raises(InputError, match="Positions must"):
        columns.set(positions, rows)
    with pytest.raises(InputError, match="Positions must"):
        columns.clear(positions)


def test_columns_refuse_positions_that_do_not_match():
    """There is one row for each position, and what is cleared is there."""
    columns = Columns()
    with pytest.raises(InputError, match="got 1 rows for 2 positions"):
        columns.set([0, 1], [{}])
    columns.set([], [])
    columns.clear([])
    with pytest.raises(InputError, match="below 0; got 0"):
        columns.clear([0])


def test_text_column_lets_go_of_overwritten_strings():
    """Rewriting a string over and over keeps memory bounded, and the values right."""
    columns = Columns()
    columns.set([0, 1], [{"a": "stays"}, {"a": "goes"}])
    for number in range(5000):
        columns.set([1], [{"a": f"text {number}"}])
    column = columns.get("a")
    assert len(column._numbers) < 1100
    assert column.among(["stays"]).tolist() == [True, False]
    assert column.among(["text 4999", "goes"]).tolist() == [False, True]


def test_list_column_lets_go_of_overwritten_lists():
    """Rewriting a list over and over keeps memory bounded, and the values right."""
    columns = Columns()
    columns.set(range(4), [{"a": ["x", "y"]}, {"a": ["old"]}, {"a": []}, {}])
    for number in range(1000):
        columns.set([1], [{"a": ["x", f"text {number}"]}])
        if number == 500:
            columns.set([4], [{"a": ["y", "late"]}])
    column = columns.get("a")
    assert len(column._codes) < 64
    assert len(column._numbers) < 64
    assert np.flatnonzero(column.containing("x")).tolist() == [0, 1]
    assert np.flatnonzero(column.containing("y")).tolist() == [0, 4]
    assert np.flatnonzero(column.containing("late")).tolist() == [4]
    assert np.flatnonzero(column.containing("text 999")).tolist() == [1]
    assert not column.containing("text 998").any()
    assert column.present.tolist() == [True, True, True, False, True]


def test_number_column_is_a_number_column():
    """Each kind is kept by the class that answers for it."""
    columns = Columns()
    columns.set([0], [KINDS])
    classes = {kind: type(columns.get(kind)) for kind in KINDS}
    assert classes.pop("str") is TextColumn
    assert classes.pop("list") is ListColumn
    assert set(classes.values()) == {NumberColumn}


@given(MOMENTS)
def test_microseconds_is_exact(moment):
    """The microseconds lead back to the same moment, in any zone."""
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(moment)) == moment


@given(ANY_ROWS)
def test_metadata_text_leads_back_to_the_row(row):
    """decode(encode(row)) is the row: keys in order, values and types, -0.0 too."""
    (plain,) = Columns().check([row])
    text = encode_metadata(row)
    again = decode_metadata(text)
    assert exactly(again) == exactly(plain)
    assert list(again) == list(row)
    assert encode_metadata(again) == text
    assert repr(again) == repr(plain)
    assert {key: kind_of(value) for key, value in again.items()} == kinds_of_row(plain)
    text.encode()


def test_metadata_text_is_json_that_sqlite_can_read():
    """The text is compact JSON with plain Unicode."""
    row = {"naïve": [], "on": True, "one": 1.0, "at": datetime(2024, 1, 1, tzinfo=UTC)}
    expected = '{"naïve":[],"on":true,"one":1.0,"at":{"$datetime":"2024-01-01T00:00:00+00:00"}}'
    assert encode_metadata(row) == expected


@pytest.mark.parametrize("value", [None, {"a": 1}, float("nan"), 2**63])
def test_encode_metadata_refuses_what_is_no_metadata(value):
    """What cannot be read back is not written; None is no value."""
    with pytest.raises(InputError):
        encode_metadata({"a": value})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        '{"a":null}',
        '{"a":NaN}',
        '{"a":[1]}',
        '{"a":{"b":1}}',
        '{"a":{"$datetime":1}}',
        '{"a":{"$datetime":"2024-01-01"}}',
        '{"$a":1}',
        '{"a":9223372036854775808}',
        '{"a":' + "[" * 5000,
    ],
)
def test_decode_metadata_refuses_other_text(text):
    """Text that encode_metadata cannot have written is refused, with its start shown."""
    with pytest.raises(InputError, match="as encode_metadata writes it"):
        decode_metadata(text)
