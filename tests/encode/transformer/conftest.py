"""Graphs compiled by these tests are cached in a folder of their own."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def graph_cache(tmp_path_factory):
    """Keep compiled graphs for the session alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDRY_CACHE", str(tmp_path_factory.mktemp("graphs")))
        yield
