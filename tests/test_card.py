"""Cards: identity, JSON, and the table of what two spaces allow."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.card import ALLOWED, Card, Operation, Probes, Relation, check, fingerprint
from embedry.errors import ForeignSpaceError, InputError

ITEMS = ("one", "two", "three")
VECTORS = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [1, 2, 3, 4]], np.float32)


def probes_near(cosine):
    """Make probes whose lowest cosine to those of VECTORS is the one given."""
    turned = VECTORS.copy()
    turned[0] = [cosine, np.sqrt(1 - cosine**2), 0, 0]
    return Probes.of(ITEMS, turned)


BASE = Card(
    "word2vec",
    4,
    "cosine",
    fingerprint("weights"),
    roles=("document", "query"),
    task="similar topics",
    settings={"window": 5, "sample": 1e-3},
    probes=Probes.of(ITEMS, VECTORS),
)
CHILD = replace(
    BASE, fingerprint="b", parent=BASE.fingerprint, generation=1, fidelity=0.93, probes=None
)

EVERYTHING = {Operation.SEARCH, Operation.COMPARE, Operation.STORE}
TABLE = [
    # the other card, the relation, what it allows
    (replace(BASE), Relation.SAME, EVERYTHING),
    (replace(BASE, kind="renamed", task="other words"), Relation.SAME, EVERYTHING),
    (replace(BASE, runtime="openvino"), Relation.EQUIVALENT, EVERYTHING),
    (
        replace(BASE, runtime="openvino", probes=probes_near(0.9991)),
        Relation.EQUIVALENT,
        EVERYTHING,
    ),
    (replace(BASE, fingerprint="b", probes=probes_near(0.9991)), Relation.EQUIVALENT, EVERYTHING),
    (replace(BASE, precision="int8"), Relation.QUANTIZED, {Operation.SEARCH, Operation.COMPARE}),
    (BASE.truncated(2), Relation.TRUNCATED, set()),
    (CHILD, Relation.ALIGNED, set()),
    (replace(CHILD, probes=probes_near(0.9999)), Relation.ALIGNED, set()),
    (replace(CHILD, fidelity=None, probes=probes_near(0.9999)), Relation.FOREIGN, set()),
    (replace(BASE, runtime="openvino", probes=probes_near(0.9989)), Relation.FOREIGN, set()),
    (replace(BASE, runtime="openvino", probes=None), Relation.FOREIGN, set()),
    (replace(BASE, fingerprint="b", probes=probes_near(0.9989)), Relation.FOREIGN, set()),
    (replace(BASE, fingerprint="b", probes=None), Relation.FOREIGN, set()),
    (
        replace(BASE, fingerprint="b", probes=Probes.of(ITEMS[::-1], VECTORS)),
        Relation.FOREIGN,
        set(),
    ),
    (replace(BASE, metric="dot"), Relation.FOREIGN, set()),
    (replace(CHILD, fidelity=None), Relation.FOREIGN, set()),
    (replace(CHILD, fingerprint="c", parent="b"), Relation.FOREIGN, set()),
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
texts = st.text(max_size=20)


@st.composite
def cards(draw):
    """Draw any card that can be."""
    dims = draw(st.integers(1, 5))
    items = draw(st.none() | st.lists(texts, max_size=3))
    vectors = None
    if items is not None:
        size = 4 * dims * len(items)
        vectors = Probes(tuple(items), draw(st.binary(min_size=size, max_size=size)))
    return Card(
        draw(texts),
        dims,
        draw(st.sampled_from(["cosine", "dot", "euclidean"])),
        draw(texts),
        roles=tuple(draw(st.lists(texts, max_size=3))),
        task=draw(st.none() | texts),
        settings=draw(st.dictionaries(texts, scalars, max_size=4)),
        runtime=draw(texts),
        precision=draw(texts),
        full_dims=draw(st.none() | st.integers(1, 9)),
        parent=draw(st.none() | texts),
        generation=draw(st.integers(0, 9)),
        fidelity=draw(st.none() | st.floats(0, 1)),
        probes=vectors,
    )


@settings(max_examples=50, deadline=None)
@given(cards())
def test_card_json_round_trip(card):
    """A card comes back from JSON equal, with the same hash, and so does what JSON gives."""
    back = Card.from_json(card.to_json())
    assert back == card
    assert hash(back) == hash(card)
    assert back.to_json() == card.to_json()
    assert json.loads(card.to_json()) == card.to_dict()


@settings(max_examples=50, deadline=None)
@given(cards(), cards())
def test_card_relation_is_symmetric(one, other):
    """The order in which two spaces are asked about does not matter; each is its own."""
    assert one.relation_to(other) is other.relation_to(one)
    assert one.relation_to(one) is Relation.SAME


def test_card_is_frozen_and_hashable():
    """No attribute can be set, and equal cards are one key."""
    with pytest.raises(FrozenInstanceError):
        BASE.dims = 5
    assert {BASE: 1}[replace(BASE)] == 1


def test_card_settings_are_sorted_and_their_order_does_not_matter():
    """Settings are a set of names and values, given in any order and form."""
    ways = [{"b": 1, "a": None}, {"a": None, "b": 1}, (("b", 1), ("a", None))]
    made = {replace(BASE, settings=way) for way in ways}
    assert len(made) == 1
    assert made.pop().settings == (("a", None), ("b", 1))


def test_card_declared_never_repeats():
    """Two declared spaces never mix, not even with the same words."""
    one, other = Card.declared(4, task="t"), Card.declared(4, task="t")
    assert one.relation_to(other) is Relation.FOREIGN


@pytest.mark.parametrize(("other", "relation", "allowed"), TABLE)
def test_card_relation_table(other, relation, allowed):
    """Row by row: how two cards stand to each other, both ways, and what that allows."""
    assert BASE.relation_to(other) is relation
    assert other.relation_to(BASE) is relation
    for operation in Operation:
        if operation in allowed:
            assert check(other, BASE, operation) is relation
            continue
        with pytest.raises(ForeignSpaceError) as caught:
            check(other, BASE, operation)
        error = caught.value
        assert (error.have, error.want, error.relation) == (other, BASE, relation)


def test_card_allowed_has_a_row_for_each_relation():
    """No relation is left undecided."""
    assert set(ALLOWED) == set(Relation)
    assert {relation for _, relation, _ in TABLE} == set(Relation)


@pytest.mark.parametrize(
    ("other", "operation", "way_out"),
    [
        (replace(BASE, fingerprint="b" * 64, probes=None), Operation.SEARCH, "field of its own"),
        (CHILD, Operation.COMPARE, "fidelity 0.93"),
        (BASE.truncated(2), Operation.SEARCH, "truncate(dims=2)"),
        (replace(BASE, precision="int8"), Operation.STORE, "float32"),
    ],
)
def test_card_check_names_both_cards_and_the_way_out(other, operation, way_out):
    """The message says which spaces met, how they stand, and what to do."""
    with pytest.raises(ForeignSpaceError) as caught:
        check(other, BASE, operation)
    message = str(caught.value)
    assert str(other) in message
    assert str(BASE) in message
    assert caught.value.relation.value in message
    assert way_out in message


def test_probes_lowest_cosine_is_the_lowest():
    """The smallest cosine over the items, as NumPy computes it; -1 where nothing compares."""
    ours, theirs = Probes.of(ITEMS, VECTORS), probes_near(0.5)
    assert ours.lowest_cosine(ours) == pytest.approx(1)
    assert ours.lowest_cosine(theirs) == pytest.approx(0.5)
    assert ours.lowest_cosine(Probes.of(ITEMS[::-1], VECTORS)) == -1
    assert ours.lowest_cosine(Probes.of(ITEMS, VECTORS * 0)) == -1
    assert Probes((), b"").lowest_cosine(Probes((), b"")) == -1


def test_probes_refuse_another_number_of_vectors():
    """One vector an item."""
    with pytest.raises(InputError, match="one vector an item"):
        Probes.of(ITEMS, VECTORS[:2])


def test_card_truncated_remembers_the_full_width():
    """Cutting twice keeps the first width; cutting nothing is the same card."""
    assert BASE.truncated(4) is BASE
    assert BASE.truncated(3).truncated(2).full_dims == 4
    assert BASE.truncated(2).probes is None
    for dims in (0, 5, 2.0, True):
        with pytest.raises(InputError, match=r"dims must be in \[1, 4\]"):
            BASE.truncated(dims)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("kind", 5),
        ("dims", 0),
        ("dims", 2.0),
        ("dims", True),
        ("metric", "hamming"),
        ("metric", []),
        ("fingerprint", None),
        ("roles", "user"),
        ("roles", (1,)),
        ("task", 1),
        ("settings", {"a": [1]}),
        ("settings", {"a": float("nan")}),
        ("settings", {"a": float("inf")}),
        ("settings", (("a", 1), ("a", "b"))),
        ("generation", "1"),
        ("fidelity", float("nan")),
        ("fidelity", "high"),
        ("full_dims", 1.5),
        ("probes", ("a",)),
        ("probes", Probes(("a",), b"123")),
    ],
)
def test_card_refuses_what_is_not_what_must_hold(part, value):
    """Every part is looked at when the card is made."""
    with pytest.raises(InputError):
        replace(BASE, **{part: value})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "{",
        "[" * 100_000,
        '{"kind": "k", "dims": 2, "metric": "cosine", "fingerprint": "f", "colour": 1}',
        '{"kind": "k", "dims": 2, "metric": "cosine", "fingerprint": "f", "roles": 5}',
        '{"kind": "k", "dims": 2, "metric": "cosine", "fingerprint": "f", "settings": [1]}',
        '{"kind": "k", "dims": 2, "metric": "cosine", "fingerprint": "f", "probes": {"items": []}}',
        '{"kind": "k", "dims": 2, "metric": "cosine", "fingerprint": "f", "probes": [1]}',
        (
            '{"kind": "k", "dims": 2, "metric": "cosine", "fingerprint": "f", '
            '"probes": {"items": ["a"], "vectors": "?"}}'
        ),
    ],
)
def test_card_from_json_refuses_what_is_no_card(text):
    """Text that is not a whole card is one clear error."""
    with pytest.raises(InputError, match="must"):
        Card.from_json(text)


def test_card_text_names_the_space():
    """A card reads as kind, digest, dims and metric."""
    assert str(BASE) == f"word2vec space {BASE.fingerprint[:12]} (4 dims, cosine)"


@pytest.mark.parametrize(
    "parts",
    [
        ("ab", "c"),
        (["ab", "c"],),
        (b"abc",),
        (np.zeros(2, np.float32),),
        (np.zeros(2, np.int32),),
        (np.zeros((1, 2), np.float32),),
        (np.zeros(0, np.float32),),
        (1, "a"),
        ("1", "a"),
    ],
)
def test_fingerprint_tells_contents_apart(parts):
    """Another content, type, shape or order is another fingerprint; the same is the same."""
    assert fingerprint(*parts) == fingerprint(*parts)
    assert fingerprint(*parts) != fingerprint("a", "bc")
    assert fingerprint(*parts) != fingerprint(*parts, "more")
    assert len(fingerprint(*parts)) == 64


def test_fingerprints_of_different_contents_differ():
    """All the cases above differ from each other; a view counts as its copy."""
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    contents = [("ab", "c"), (["ab", "c"],), (b"abc",), (table,), (table.T,), (1, "a"), ("1", "a")]
    assert len({fingerprint(*parts) for parts in contents}) == len(contents)
    assert fingerprint(table.T) == fingerprint(table.T.copy())
