"""A checkerboard, learned and kept."""

import pytest
from tests.use.recommend.board import checkerboard, filled

from embedry.learn.taste.als import ALS
from embedry.use.recommend import Recommender


@pytest.fixture(scope="module")
def taste():
    return ALS(dims=4, regularization=0.5, iterations=8, seed=1, threads=1).fit(checkerboard())


@pytest.fixture
def things(tmp_path):
    with filled(tmp_path / "things") as collection:
        yield collection


@pytest.fixture
def recommender(things, taste):
    return Recommender(things, taste=taste, content="looks")


@pytest.fixture(scope="module")
def shared_things(tmp_path_factory):
    with filled(tmp_path_factory.mktemp("shared") / "things") as collection:
        yield collection
