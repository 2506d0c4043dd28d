"""A checkerboard of users and items, and a collection of them: truth by construction."""

import numpy as np

from embedry.data.interactions import Interactions
from embedry.store.collection import Collection

GROUPS, ITEMS_OF_GROUP, USERS_OF_GROUP = 3, 6, 5
DIMS = 8


def item(group, number):
    return f"item-{group}-{number}"


def user(group, number):
    return f"user-{group}-{number}"


def checkerboard():
    """Return uses: each user used two thirds of the items of their own group, and no others."""
    triples = [
        (user(group, u), item(group, i), 1.0 + (u + i) % 2)
        for group in range(GROUPS)
        for u in range(USERS_OF_GROUP)
        for i in range(ITEMS_OF_GROUP)
        if (u + i) % 3
    ]
    return Interactions.from_triples(*zip(*triples, strict=True))


def looks(group, number):
    """Return a vector near that of the group."""
    generator = np.random.default_rng(10 * group + number)
    return np.eye(DIMS)[group] + 0.2 * generator.standard_normal(DIMS)


def filled(folder, *, without=()):
    """Return a collection of the checkerboard; some items lack a vector."""
    things = Collection.open(folder)
    things.add_field("looks", dims=DIMS)
    names = [(g, i) for g in range(GROUPS) for i in range(ITEMS_OF_GROUP)]
    ids = [item(*name) for name in names]
    things.upsert(ids, metadata=[{"group": g, "number": i} for g, i in names])
    have = [name for name in names if item(*name) not in without]
    vectors = np.array([looks(*name) for name in have])
    things.upsert([item(*name) for name in have], vectors={"looks": vectors})
    return things
