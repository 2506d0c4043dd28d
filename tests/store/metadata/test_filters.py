"""Filters against a plain evaluator over dict rows."""

from __future__ import annotations

import operator
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.errors import FilterError
from embedry.store.metadata.columns import Columns
from embedry.store.metadata.filters import MAX_DEPTH, And, Filter, Not, Or, parse_filter

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
EDGES = [0, 1, -1, 2, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
FLOATS = [-0.0, 0.5, 1.0, -1.5, 2.0**53, 2.0**53 + 2, 2.0**63, -(2.0**63), 1e300, -1e300, 5e-324]
MOMENTS = [
    (NOON + timedelta(microseconds=step)).astimezone(timezone(timedelta(hours=hours)))
    for step in (-1, 0, 1)
    for hours in (-7, 0, 5)
]
VALUES = {
    "flag": st.booleans(),
    "count": st.sampled_from(EDGES),
    "weight": st.sampled_from([*FLOATS, 0, 1, -(2**53)]),
    "name": st.sampled_from(["", "a", "b", "ab", "ba", "B", "é"]),
    "seen": st.sampled_from(MOMENTS),
    "tags": st.lists(st.sampled_from(["", "a", "b", "ab"]), max_size=3),
}
ROWS = st.lists(st.fixed_dictionaries({}, optional=VALUES), max_size=8)
NUMBERS = st.sampled_from([*EDGES, *FLOATS])
OPERANDS = VALUES | {"count": NUMBERS, "weight": NUMBERS}

COMPARE = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}


def passes(row, where):
    """Evaluate a where on one dict row: the oracle."""
    return all(passes_clause(row, key, condition) for key, condition in where.items())


def passes_clause(row, key, condition):
    if key == "$and":
        return all(passes(row, where) for where in condition)
    if key == "$or":
        return any(passes(row, where) for where in condition)
    if key == "$not":
        return not passes(row, condition)
    if not isinstance(condition, dict):
        condition = {"$eq": condition}
    return all(holds(row, key, symbol, operand) for symbol, operand in condition.items())


def holds(row, key, symbol, operand):
    if symbol == "$not":
        return not passes_clause(row, key, operand)
    if symbol == "$exists":
        return (key in row) is operand
    if symbol in {"$ne", "$nin"}:
        return not holds(row, key, {"$ne": "$eq", "$nin": "$in"}[symbol], operand)
    if key not in row:
        return False
    if symbol == "$contains":
        return operand in row[key]
    if symbol in {"$eq", "$in"}:
        return row[key] in (operand if symbol == "$in" else [operand])
    return COMPARE[symbol](row[key], operand)


def operators(key):
    """Draw the operators of one key's condition, with operands that fit."""
    fitting = {"$exists": st.booleans()}
    if key in {"name", "tags"}:
        fitting["$contains"] = st.sampled_from(["", "a", "b", "A", "zz"])
    if key != "tags":
        fitting |= dict.fromkeys(["$eq", "$ne"], OPERANDS[key])
        fitting |= dict.fromkeys(["$in", "$nin"], st.lists(OPERANDS[key], max_size=3))
    if key not in {"tags", "flag"}:
        fitting |= dict.fromkeys(COMPARE, OPERANDS[key])
    return st.fixed_dictionaries({}, optional=fitting).filter(bool)


def clauses(key):
    condition = operators(key)
    condition |= st.fixed_dictionaries({"$not": condition}, optional={"$exists": st.booleans()})
    return condition if key == "tags" else condition | OPERANDS[key]


LEAVES = st.fixed_dictionaries({}, optional={key: clauses(key) for key in [*VALUES]})
WHERES = st.recursive(
    LEAVES,
    lambda wheres: st.fixed_dictionaries(
        {},
        optional={
            "$and": st.lists(wheres, min_size=1, max_size=3),
            "$or": st.lists(wheres, min_size=1, max_size=3),
            "$not": wheres,
            "name": clauses("name"),
        },
    ),
    max_leaves=6,
)


def columns_of(rows):
    columns = Columns()
    columns.set(range(len(rows)), rows)
    return columns


def found(rows, where):
    """Return the positions that pass."""
    return np.flatnonzero(parse_filter(where).mask(columns_of(rows))).tolist()


@given(ROWS, WHERES)
def test_filter_mask_equals_the_plain_evaluator(rows, where):
    """For any rows and any where, the mask says of each row what the oracle says."""
    mask = parse_filter(where).mask(columns_of(rows))
    assert mask.dtype == np.bool_
    assert mask.shape == (len(rows),)
    assert mask.tolist() == [passes(row, where) for row in rows]


@given(ROWS, st.sampled_from([*VALUES]).flatmap(lambda key: st.tuples(st.just(key), clauses(key))))
def test_filter_mask_of_one_key_equals_the_plain_evaluator(rows, clause):
    """The same for a condition on one key, where the draw reaches every operand."""
    key, condition = clause
    mask = parse_filter({key: condition}).mask(columns_of(rows))
    assert mask.tolist() == [passes(row, {key: condition}) for row in rows]


@given(ROWS, WHERES)
def test_filter_keys_are_the_keys_it_asks(rows, where):
    """Columns that are not among the keys do not matter."""
    parsed = parse_filter(where)
    kept = [{k: v for k, v in row.items() if k in parsed.keys} for row in rows]
    assert parsed.mask(columns_of(rows)).tolist() == parsed.mask(columns_of(kept)).tolist()
    assert parsed.keys <= set(VALUES)


BOOKS = [
    {"year": 1989, "kind": "novel", "tags": ["dragons", "court"]},
    {"year": 1996, "kind": "Novella", "tags": ["court"]},
    {"year": 2001, "kind": "essay", "tags": []},
    {},
]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"year": 1996}, [1]),
        ({"year": {"$gte": 1989, "$lt": 2001}, "kind": "novel"}, [0]),
        ({"year": {"$ne": 1996}}, [0, 2, 3]),
        ({"year": {"$nin": [1989, 1996]}}, [2, 3]),
        ({"year": {"$in": []}}, []),
        ({"year": {"$nin": []}}, [0, 1, 2, 3]),
        ({"year": {"$in": np.array([1989, 2001]).tolist()}}, [0, 2]),
        ({"year": {"$in": {1989, 2001}}}, [0, 2]),
        ({"year": {"$exists": False}}, [3]),
        ({"year": {"$exists": True}}, [0, 1, 2]),
        ({"year": {"$not": {"$gt": 1990}}}, [0, 3]),
        ({"$not": {"year": {"$gt": 1990}, "kind": "essay"}}, [0, 1, 3]),
        ({"kind": {"$contains": "ovel"}}, [0, 1]),
        ({"kind": {"$contains": "Novel"}}, [1]),
        ({"kind": {"$gt": "essay"}}, [0]),
        ({"tags": {"$contains": "court"}}, [0, 1]),
        ({"tags": {"$contains": "cour"}}, []),
        ({"tags": {"$exists": True}}, [0, 1, 2]),
        ({"tags": {"$not": {"$contains": "court"}}}, [2, 3]),
        ({"$or": [{"year": 1989}, {"kind": "essay"}]}, [0, 2]),
        ({"$and": [{"year": {"$gt": 1}}, {"$or": [{"kind": "novel"}, {"year": 2001}]}]}, [0, 2]),
        ({"publisher": "x"}, []),
        ({"publisher": {"$ne": "x"}}, [0, 1, 2, 3]),
        ({"publisher": {"$gt": 3}}, []),
        ({"publisher": {"$contains": "x"}}, []),
    ],
)
def test_filter_finds_what_a_hand_count_finds(where, expected):
    """Four books, counted by hand."""
    assert found(BOOKS, where) == expected


def test_filter_compares_int_with_float_exactly():
    """2**53 + 1 is not 2**53 in any direction, whichever side is the float."""
    ints = [{"n": 2**53}, {"n": 2**53 + 1}]
    assert found(ints, {"n": 2.0**53}) == [0]
    assert found(ints, {"n": {"$gt": 2.0**53}}) == [1]
    assert found(ints, {"n": {"$lte": 2.0**53}}) == [0]
    assert found(ints, {"n": {"$lt": 1e300}}) == [0, 1]
    assert found(ints, {"n": {"$in": [1e300, 2.0**53]}}) == [0]
    ends = [{"n": -(2**63)}, {"n": 2**63 - 1}]
    assert found(ends, {"n": -(2.0**63)}) == [0]
    assert found(ends, {"n": 2**63 - 1}) == [1]
    assert found(ends, {"n": {"$in": [2.0**63, 2**63 - 1]}}) == [1]
    assert found(ends, {"n": {"$lt": 2.0**63}}) == [0, 1]
    # As floats 2**53 + 1 would be rounded down, and 2**53 + 3 up.
    floats = [{"n": 2.0**53}, {"n": 2.0**53 + 2}, {"n": 2.0**53 + 4}]
    assert found(floats, {"n": 2**53 + 1}) == []
    assert found(floats, {"n": {"$lt": 2**53 + 1}}) == [0]
    assert found(floats, {"n": {"$gte": 2**53 + 1}}) == [1, 2]
    assert found(floats, {"n": 2**53 + 3}) == []
    assert found(floats, {"n": {"$lte": 2**53 + 3}}) == [0, 1]
    assert found(floats, {"n": {"$gt": 2**53 + 3}}) == [2]
    assert found(floats, {"n": {"$in": [2**53 + 1, 2**53 + 2]}}) == [1]


def test_filter_knows_moments_in_any_zone():
    """The same moment is equal in each zone, and a microsecond counts."""
    rows = [{"at": moment} for moment in MOMENTS]
    same = [i for i, moment in enumerate(MOMENTS) if moment == NOON]
    assert len(same) == 3
    for zone in (-7, 5):
        there = NOON.astimezone(timezone(timedelta(hours=zone)))
        assert found(rows, {"at": there}) == same
        assert found(rows, {"at": {"$gte": there, "$lte": there}}) == same


def test_filter_mask_is_a_new_array():
    """Writing to a mask changes neither the columns nor the next mask."""
    columns = columns_of(BOOKS)
    for where in [{}, {"year": {"$exists": True}}, {"year": 1989}, {"kind": {"$contains": "n"}}]:
        parsed = parse_filter(where)
        before = parsed.mask(columns)
        expected = before.tolist()
        before[:] = ~before
        assert parsed.mask(columns).tolist() == expected


def test_filter_sees_a_cleared_position_as_one_without_metadata():
    """What was there no longer passes, and $exists: False does."""
    columns = columns_of(BOOKS)
    columns.clear([0, 2])
    assert parse_filter({"year": {"$gt": 0}}).mask(columns).tolist() == [False, True, False, False]
    others = parse_filter({"kind": {"$ne": "novel"}})
    assert others.mask(columns).all()
    assert parse_filter({"tags": {"$contains": "court"}}).mask(columns).tolist().count(True) == 1
    missing = parse_filter({"tags": {"$exists": False}}).mask(columns)
    assert missing.tolist() == [True, False, True, True]


def test_filter_is_a_frozen_value():
    """Equal wheres are equal, hashable filters; keys name what is asked, known or not."""
    where = {"a": {"$in": [1, 2]}, "$or": [{"b": "x"}, {"c": {"$not": {"$exists": True}}}]}
    parsed = parse_filter(where)
    assert isinstance(parsed, Filter)
    assert {parsed} == {parse_filter(where)}
    assert parsed.keys == {"a", "b", "c"}
    assert parse_filter({}) == And(())
    assert parse_filter({}).keys == frozenset()
    with pytest.raises(AttributeError):
        parsed.parts = ()
    assert isinstance(parse_filter({"$or": [{"a": 1}, {"a": 2}]}), Or)
    assert isinstance(parse_filter({"a": {"$ne": 1}}), Not)


def nested(depth, symbol):
    where = {"year": {"$gt": 1990}}
    for _ in range(depth):
        where = {symbol: where} if symbol == "$not" else {symbol: [where, {"year": 1989}]}
    return where


@pytest.mark.parametrize("symbol", ["$and", "$or", "$not"])
def test_filter_nests_to_its_depth_and_no_deeper(symbol):
    """The deepest where that is allowed works in all its methods; deeper ones are refused."""
    deepest = nested(MAX_DEPTH, symbol)
    assert found(BOOKS, deepest) == [i for i, row in enumerate(BOOKS) if passes(row, deepest)]
    parsed = parse_filter(deepest)
    assert parsed == parse_filter(deepest)
    assert isinstance(hash(parsed), int)
    assert parsed.keys == {"year"}
    for deeper in MAX_DEPTH + 1, 500, 5000:
        with pytest.raises(FilterError, match=f"{MAX_DEPTH} deep"):
            parse_filter(nested(deeper, symbol))


def test_filter_refuses_not_under_a_key_too_deep():
    """$not under a key counts as depth too, and a where in a circle ends in the same error."""
    condition = {"$gt": 1}
    for _ in range(MAX_DEPTH):
        condition = {"$not": condition}
    assert found([{"a": 1}, {"a": 2}], {"a": condition}) == [1]
    circle = {}
    circle["$and"] = [circle]
    for where in {"a": {"$not": condition}}, circle:
        with pytest.raises(FilterError, match="deep"):
            parse_filter(where)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (None, "must be a dict.*got None"),
        ([{"a": 1}], "must be a dict"),
        ("a", "must be a dict"),
        ({"": 1}, "metadata keys"),
        ({1: 1}, "metadata keys.*got 1"),
        ({"$gte": 3}, "stand under a key"),
        ({"$nor": [{}]}, r"\$and, \$or and \$not; got '\$nor'"),
        ({"$and": []}, "list of at least one where"),
        ({"$or": []}, "list of at least one where"),
        ({"$or": {"a": 1}}, "list of at least one where"),
        ({"$and": [1]}, "must be a dict.*got 1"),
        ({"$not": [{"a": 1}]}, "must be a dict"),
        ({"a": {}}, "at least one operator"),
        ({"a": {"$not": 3}}, "at least one operator; got 3"),
        ({"a": {"$not": {}}}, "at least one operator"),
        ({"a": {"$regex": "x"}}, r"among \$contains, \$eq, .*got '\$regex'"),
        ({"a": {"b": 1}}, "got 'b'"),
        ({"a": {3: 1}}, "got 3"),
        ({"a": {"$and": [{"$gt": 1}]}}, r"got '\$and'"),
        ({"a": None}, r"\$eq of 'a'.*got None.*'\$exists': False"),
        ({"a": {"$ne": None}}, r"\$ne of 'a'.*'\$exists'"),
        ({"a": {"$in": [1, None]}}, r"\$in of 'a'.*got None"),
        ({"a": {"$gt": None}}, r"\$gt of 'a'.*got None"),
        ({"a": ["x"]}, r"got the list \['x'\]. Use \$in.*\$contains"),
        ({"a": {"$in": [["x"]]}}, "got the list"),
        ({"a": {"$in": "x"}}, r"\$in of 'a' takes a list.*\$eq"),
        ({"a": {"$nin": 3}}, r"\$nin of 'a' takes a list.*\$ne"),
        ({"a": {"$gt": True}}, "asks for an order"),
        ({"a": {"$contains": 3}}, "takes a str"),
        ({"a": {"$contains": ["x"]}}, "got the list"),
        ({"a": {"$exists": 1}}, "True or False; got 1"),
        ({"a": {"$exists": None}}, "True or False; got None"),
        ({"a": float("nan")}, r"\$eq of 'a': .*finite"),
        ({"a": {"$lt": float("inf")}}, r"\$lt of 'a': .*finite"),
        ({"a": 2**63}, "fit 64 bits"),
        ({"a": datetime(2024, 1, 1)}, "must have a time zone"),  # noqa: DTZ001
        ({"a": {"$lt": 1j}}, "of type complex"),
    ],
)
def test_parse_filter_refuses_what_is_no_where(where, message):
    """Each wrong form is named, with what is allowed, before any column is asked."""
    with pytest.raises(FilterError, match=message):
        parse_filter(where)
    with pytest.raises(FilterError):
        parse_filter({"$or": [{"b": 1}, where]})


OF_KIND = {
    "bool": True,
    "int": 1,
    "float": 0.5,
    "str": "x",
    "datetime": NOON,
}


@pytest.mark.parametrize("symbol", ["$eq", "$ne", "$in", "$nin", "$gt", "$lte"])
@pytest.mark.parametrize("operand", OF_KIND)
@pytest.mark.parametrize("held", OF_KIND)
def test_filter_refuses_to_compare_across_types(held, operand, symbol):
    """Only equal kinds, and int with float, compare; the key and both kinds are named."""
    value = OF_KIND[operand]
    where = {"a": {symbol: [value] if symbol in {"$in", "$nin"} else value}}
    if operand == "bool" and symbol in COMPARE:
        with pytest.raises(FilterError, match="asks for an order"):
            parse_filter(where)
        return
    rows = [{"a": OF_KIND[held]}, {}]
    if held == operand or {held, operand} == {"int", "float"}:
        assert found(rows, where) == [i for i, row in enumerate(rows) if passes(row, where)]
        return
    with pytest.raises(FilterError, match=f"'a' holds {held}, got the {operand} "):
        found(rows, where)


@pytest.mark.parametrize("condition", ["x", {"$ne": "x"}, {"$in": []}, {"$gt": "x"}, {"$lt": 3}])
def test_filter_refuses_to_compare_lists(condition):
    """A column of list is asked by $contains, and the message says so."""
    with pytest.raises(FilterError, match=r"'tags' holds list.*'tags': {'\$contains'"):
        found(BOOKS, {"tags": condition})


@pytest.mark.parametrize("held", ["bool", "int", "float", "datetime"])
def test_filter_contains_asks_str_and_list_alone(held):
    """$contains on any other column is refused."""
    with pytest.raises(FilterError, match=f"'a' holds {held}"):
        found([{"a": OF_KIND[held]}], {"a": {"$contains": "x"}})


def test_filter_refuses_a_bad_operand_however_the_rest_decides():
    """A part that does not fit is an error even where the other parts settle the answer."""
    for where in ({"$or": [{}, {"year": "x"}]}, {"year": {"$lt": 0}, "kind": 3}):
        with pytest.raises(FilterError, match="must be of its column's type"):
            found(BOOKS, where)
