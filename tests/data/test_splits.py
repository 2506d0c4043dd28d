"""Splits hold back what they say, and leak nothing."""

from __future__ import annotations

import datetime as dt
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.data import splits
from embedry.data.interactions import Interactions
from embedry.data.splits import (
    Split,
    cold_items,
    cold_users,
    leave_one_out,
    random_split,
    temporal_split,
)
from embedry.errors import InputError

users, items = st.integers(0, 7), st.sampled_from("stuvwxyz")
logs = st.lists(st.tuples(users, items, st.integers(0, 9)), min_size=6, max_size=60).map(
    lambda rows: Interactions.from_triples(
        [row[0] for row in rows], [row[1] for row in rows], None, [row[2] for row in rows]
    )
)
shares = st.floats(0.05, 0.6)
seconds = st.none() | st.floats(0.05, 0.35)
keeps = st.sampled_from(["both", "users", "items", "none"])
seeds = st.integers(0, 5)
SPLITS = st.one_of(
    st.builds(
        lambda share, validation, keep, seed: (
            lambda used: random_split(used, share, validation=validation, keep=keep, seed=seed)
        ),
        *(shares, seconds, keeps, seeds),
    ),
    st.builds(
        lambda by, validation, keep, seed: (
            lambda used: leave_one_out(used, by, validation=validation, keep=keep, seed=seed)
        ),
        *(st.sampled_from(["time", "random"]), st.booleans(), keeps, seeds),
    ),
    st.builds(
        lambda share, validation: (
            lambda used: temporal_split(used, share=share, validation=validation)
        ),
        *(shares, seconds),
    ),
    st.builds(
        lambda cold, share, validation, seed: (
            lambda used: cold(used, share, validation=validation, seed=seed)
        ),
        *(st.sampled_from([cold_items, cold_users]), shares, seconds, seeds),
    ),
)
MANY = settings(max_examples=200, deadline=None)


def entries(used):
    """Return what is there: pair to value and time."""
    names, things, values = used.triples()
    parts = zip(names, things, values, used.times.tolist(), strict=True)
    return {(user, item): (value, time) for user, item, value, time in parts}


def parts_of(split):
    """Return the parts, from the first to the last."""
    return [part for part in (split.train, split.validation, split.test) if part is not None]


def made(split, used):
    """Return a split, or None where a part would be empty, which is refused."""
    try:
        return split(used)
    except InputError as error:
        if "must hold a pair" not in str(error):
            raise
        return None


@MANY
@given(logs, SPLITS)
def test_splits_part_all_pairs(used, split):
    """Parts are disjoint, together they are all, values and times and all; none has idle rows."""
    found = made(split, used)
    if found is None:
        return
    parts = [entries(part) for part in parts_of(found)]
    together = {pair: held for part in parts for pair, held in part.items()}
    assert together == entries(used)
    assert sum(map(len, parts)) == len(used)
    for part in parts_of(found):
        assert (np.diff(part.indptr) > 0).all()
        assert (part.item_counts > 0).all()
        assert list(part.user_ids) == [user for user in used.user_ids if user in part.user_ids]


@MANY
@given(logs, SPLITS)
def test_splits_are_the_same_for_a_seed(used, split):
    """The same seed gives the same parts."""
    first, second = made(split, used), made(split, used)
    assert (first is None) == (second is None)
    if first is not None:
        for one, other in zip(parts_of(first), parts_of(second), strict=True):
            assert entries(one) == entries(other)
        assert dict(first.kept) == dict(second.kept)


def test_splits_differ_by_seed():
    """Another seed gives other parts."""
    used = Interactions.from_triples(np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20))
    for split in (
        random_split,
        cold_items,
        cold_users,
        lambda u, seed: leave_one_out(u, "random", seed=seed),
    ):
        found = {tuple(map(tuple, split(used, seed=seed).test.triples()[:2])) for seed in range(4)}
        assert len(found) == 4


@MANY
@given(logs, shares, seconds, keeps, seeds)
def test_random_split_keeps_what_it_says(used, share, validation, keep, seed):
    """Train knows every user, item, or both; each pair too few is counted."""
    found = made(
        lambda used: random_split(used, share, validation=validation, keep=keep, seed=seed), used
    )
    if found is None:
        return
    if keep in {"both", "users"}:
        assert found.train.user_ids == used.user_ids
        assert found.unseen["users"] == 0
    if keep in {"both", "items"}:
        assert found.train.item_ids == used.item_ids
        assert found.unseen["items"] == 0
    held = sum(len(part) for part in parts_of(found)[1:])
    asked = sum(max(1, round(part * len(used))) for part in (share, validation) if part)
    assert held == asked - sum(found.kept.values())
    assert keep != "none" or not found.kept


@MANY
@given(logs, st.booleans(), keeps, seeds)
def test_leave_one_out_takes_the_latest(used, validation, keep, seed):
    """At most one pair of a user is tested, none of theirs is later; likewise the one before."""
    found = made(
        lambda used: leave_one_out(used, validation=validation, keep=keep, seed=seed), used
    )
    if found is None:
        return
    for part in parts_of(found)[1:]:
        assert (np.diff(part.indptr) == 1).all()
    for earlier, later in combinations(parts_of(found), 2):
        for (user, _), (_, time) in entries(later).items():
            mine = [held[1] for (other, _), held in entries(earlier).items() if other == user]
            assert max(mine, default=time) <= time
    if keep in {"both", "users"}:
        assert found.unseen["users"] == 0
    if keep in {"both", "items"}:
        assert found.unseen["items"] == 0
    if validation:
        assert all(len(used.history(user)) > 2 for user in found.validation.user_ids)
    else:
        tested = len(found.test) + sum(found.kept.values())
        assert tested == len(used.user_ids)


@MANY
@given(logs, shares, seconds)
def test_temporal_split_learns_from_the_past_alone(used, share, validation):
    """Every pair of a part is earlier than any of the next; the test is at least as asked."""
    found = made(lambda used: temporal_split(used, share=share, validation=validation), used)
    if found is None:
        return
    parts = parts_of(found)
    for earlier, later in pairwise(parts):
        assert earlier.times.max() < later.times.min()
    assert found.test.times.min() == found.at
    assert len(found.test) >= round(share * len(used))
    again = temporal_split(used, at=found.at, validation=validation)
    assert entries(again.test) == entries(found.test)
    assert entries(again.train) == entries(found.train)


def test_temporal_split_takes_a_datetime():
    """A time with its zone is the second it means; one without is refused."""
    used = Interactions.from_triples(["a", "a"], ["x", "y"], times=[0, 7200])
    zone = dt.timezone(dt.timedelta(hours=1))
    found = temporal_split(used, at=dt.datetime(1970, 1, 1, 2, tzinfo=zone))
    assert (found.at, found.test.item_ids) == (3600, ("y",))
    with pytest.raises(InputError, match="know their zone"):
        temporal_split(used, at=dt.datetime(1970, 1, 1, 2))  # noqa: DTZ001  (that is the law)


@MANY
@given(logs, st.sampled_from(["items", "users"]), shares, seconds, seeds)
def test_cold_splits_hide_whole_rows(used, side, share, validation, seed):
    """No cold item or user is in another part; as many are cold as asked; the lost are counted."""
    cold = cold_items if side == "items" else cold_users
    found = made(lambda used: cold(used, share, validation=validation, seed=seed), used)
    if found is None:
        return
    name = "item_ids" if side == "items" else "user_ids"
    ids = [set(getattr(part, name)) for part in parts_of(found)]
    assert sum(map(len, ids)) == len(set().union(*ids)) == len(getattr(used, name))
    assert len(ids[-1]) == max(1, round(share * len(getattr(used, name))))
    assert found.unseen[side] == len(ids[-1])
    assert found.unseen["pairs"] == len(found.test)
    other = "user_ids" if side == "items" else "item_ids"
    lost = set(getattr(found.test, other)) - set(getattr(found.train, other))
    assert found.unseen["users" if side == "items" else "items"] == len(lost)


LOG = Interactions.from_triples(["a", "a", "b", "b"], ["x", "y", "x", "y"])
TIMED = Interactions.from_triples(["a", "a", "b", "b"], ["x", "y", "x", "y"], None, [1, 2, 3, 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_split([("a", "x")]), "made of Interactions; got list"),
        (lambda: random_split(LOG, 0), r"share must be a share in \(0, 1\)"),
        (lambda: random_split(LOG, 1), r"share must be a share in \(0, 1\)"),
        (lambda: random_split(LOG, True), "got True"),
        (lambda: random_split(LOG, 0.2, validation=1.5), "validation must be a share"),
        (lambda: random_split(LOG, 0.5, validation=0.5), "leave something to learn from"),
        (lambda: random_split(LOG, keep="all"), "keep must be one of both, users"),
        (lambda: random_split(LOG, seed=-1), "seed must be"),
        (lambda: random_split(LOG, seed=0.5), "seed must be"),
        (lambda: random_split(LOG.subset(users=["a"], items=["x"])), "test would hold none"),
        (lambda: leave_one_out(LOG), "must have times"),
        (lambda: leave_one_out(TIMED, "latest"), "by must be"),
        (lambda: leave_one_out(TIMED.subset(users=["a"], items=["x"])), "test would hold none"),
        (lambda: leave_one_out(TIMED, validation=True), "validation would hold none"),
        (lambda: temporal_split(LOG, share=0.5), "must have times"),
        (lambda: temporal_split(TIMED), "exactly one"),
        (lambda: temporal_split(TIMED, at=2, share=0.5), "exactly one"),
        (lambda: temporal_split(TIMED, at=1), "train would hold none"),
        (lambda: temporal_split(TIMED, at=4), "test would hold none"),
        (lambda: temporal_split(TIMED, at=2.5), "whole seconds"),
        (lambda: temporal_split(TIMED, at=3, validation=0.9), "train would hold none"),
        (lambda: cold_items(LOG, 0.9), "train would hold none"),
        (lambda: cold_users("ab"), "got str"),
        (
            lambda: Split(LOG, LOG.subset(["a"])),
            r"train must hold no pair of test; they hold 2 of 2, such as \('a'",
        ),
    ],
)
def test_splits_refuse_what_cannot_be(call, message):
    """A setting out of range, times that are not there, an empty part, a leak."""
    with pytest.raises(InputError, match=message):
        call()


def test_leave_one_out_returns_the_validation_of_a_kept_test_pair():
    """Where the latest pair stays in train for its item, nothing earlier is held back."""
    rows = [("a", "x", 1), ("a", "y", 2), ("a", "only", 3)]
    rows += [
        ("b", "x", 1),
        ("b", "y", 2),
        ("b", "z", 3),
        ("c", "z", 1),
        ("c", "x", 2),
        ("c", "y", 3),
    ]
    names, things, times = zip(*rows, strict=True)
    used = Interactions.from_triples(names, things, times=times)
    found = leave_one_out(used, validation=True)
    assert "only" in found.train.item_ids
    assert "a" not in found.validation.user_ids
    assert "a" not in found.test.user_ids
    assert found.kept["last pair of an item"] >= 1
    assert found.kept["validation after a kept test pair"] == 1


def test_splits_take_shares_of_numpy():
    """A share is a number of Python or of NumPy."""
    whole = Interactions.from_triples(*zip(*[(u, i) for u in "abcd" for i in "wxyz"], strict=True))
    plain = random_split(whole, 0.25, validation=0.25)
    for kind in (np.float32, np.float64):
        made = random_split(whole, kind(0.25), validation=kind(0.25))
        assert made.test.triples() == plain.test.triples()
    for share in (np.True_, np.float32(1), np.float64("nan"), "0.2", None):
        with pytest.raises(InputError, match=r"share must be a share in \(0, 1\)"):
            random_split(whole, share)


def test_splits_list_their_own_names_alone():
    """What completion shows are ways to split, not what the module imports."""
    assert dir(splits) == sorted(splits.__all__)
