"""Ids: what is one, and how they are kept in files."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.ids import check_id, check_ids, check_unique, kind_hint, pack_ids, unpack_ids

plain_ids = st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1))


class Colour(str, Enum):  # noqa: UP042  (a StrEnum would hide the difference)
    """A str whose str() is not its letters."""

    RED = "red"


@given(plain_ids)
def test_check_id_keeps_plain_ids(value):
    """Any Unicode text and any 64-bit int is an id, and comes back as it is."""
    assert check_id(value) == value
    assert type(check_id(value)) is type(value)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(7), 7),
        (np.int8(-7), -7),
        (np.uint64(7), 7),
        (np.str_("b1"), "b1"),
        (Colour.RED, "red"),
    ],
)
def test_check_id_normalises_scalars(value, plain):
    """Scalars of NumPy and subclasses become plain Python values."""
    found = check_id(value)
    assert found == plain
    assert type(found) is type(plain)


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.True_,
        1.0,
        np.float32(1),
        None,
        b"b1",
        (1,),
        2**63,
        -(2**63) - 1,
        np.uint64(2**63),
        np.timedelta64(5, "s"),
        "\ud800",
    ],
)
def test_check_id_refuses_what_is_none(value):
    """What would be mistaken for another id, or cannot be kept, is refused with the fix."""
    with pytest.raises(InputError, match=r"id must .*; got"):
        check_id(value)


@pytest.mark.parametrize(
    "array",
    [np.arange(3), np.arange(3, dtype=np.uint64), np.array(["a", "b"]), np.array([1, "a"], object)],
)
def test_check_ids_reads_arrays(array):
    """Flat arrays give what their list gives, in plain values."""
    assert check_ids(array) == array.tolist()
    assert {type(value) for value in check_ids(array)} <= {int, str}


@pytest.mark.parametrize(
    "ids", ["abc", b"abc", 5, None, np.zeros((2, 1), int), np.array(3), [1, None], np.array([1.0])]
)
def test_check_ids_refuses_what_is_no_list(ids):
    """A single str, a number, a table, or a list with something else in it."""
    with pytest.raises(InputError):
        check_ids(ids)


def test_check_unique_names_the_repeated():
    """The message counts and names what came again; 1 and "1" differ."""
    check_unique([1, "1", 2])
    with pytest.raises(InputError, match="2 came again, such as 'a', 1"):
        check_unique(["a", 1, "a", 1, 2])


@settings(max_examples=50, deadline=None)
@given(st.lists(plain_ids))
def test_pack_ids_round_trip(ids):
    """What is packed comes back, kind and order kept."""
    back = unpack_ids(pack_ids(ids, "users"), "users")
    assert back == ids
    assert [type(value) for value in back] == [type(value) for value in ids]


@pytest.mark.parametrize("part", ["is_text", "numbers", "offsets", "text"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: None,
        lambda array: array.astype(np.float64),
        lambda array: array[None],
        lambda array: array[:-1],
        lambda array: array[:0],
    ],
)
def test_unpack_ids_refuses_damaged_arrays(part, damage):
    """A missing, mistyped, reshaped or shortened array is an error."""
    arrays = pack_ids(["a", 1, "bc"])
    broken = damage(arrays.pop(f"ids.{part}"))
    if broken is not None:
        arrays[f"ids.{part}"] = broken
    with pytest.raises(InputError, match="ids"):
        unpack_ids(arrays)


@pytest.mark.parametrize("offsets", [[0, -1, 0, 3], [0, 2, 1, 3], [1, 1, 1, 3], [0, 1, 1, 2**62]])
def test_unpack_ids_refuses_hostile_offsets(offsets):
    """Offsets that go back, below 0 or past the text are an error."""
    arrays = pack_ids(["a", 1, "bc"]) | {"ids.offsets": np.array(offsets)}
    with pytest.raises(InputError, match="contradict"):
        unpack_ids(arrays)


def test_unpack_ids_refuses_bytes_that_are_no_text():
    """Text must be UTF-8."""
    arrays = pack_ids(["ab"]) | {"ids.text": np.array([255, 254], np.uint8)}
    with pytest.raises(InputError, match="UTF-8"):
        unpack_ids(arrays)


@given(st.integers(-(2**63), 2**63 - 1) | st.text())
def test_kind_hint_names_the_other_kind_alone(name):
    """Only a number whose very text is known, or the text of a known number, gives a hint."""
    assert kind_hint([name], {name}) == ""
    if isinstance(name, int):
        for one, other in ((name, str(name)), (str(name), name)):
            assert f"{other!r} is known" in kind_hint(["else", one], {other})
    else:
        assert kind_hint([name], set(range(3))) == (
            f" Ids must be str in both or int in both: {int(name)} is known."
            if name in {"0", "1", "2"}
            else ""
        )
    assert kind_hint(["01", "1.0", "-0", "+1", "1 "], {0, 1}) == ""
