"""The surface: what import embedry loads, and that every public name is there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import embedry as em
from embedry import errors

LOADED = """
import json, sys
# what site loads of its own accord, such as the finders of editable installs, is not ours
before = {name.partition(".")[0] for name in sys.modules}
exec(sys.argv[1])
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted(loaded - before - set(sys.stdlib_module_names) - {"embedry"})))
"""


def third_party(code):
    """Run code in a fresh Python; return the third-party modules that it loaded."""
    command = [sys.executable, "-c", LOADED, code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("import embedry", []),
        ("import embedry; embedry.__version__; dir(embedry)", []),
        ("import embedry as em; em.EmbedryError, em.ForeignSpaceError", []),
        ("import embedry as em; em.InputError, em.UnknownIdError, em.NotFittedError", []),
        ("import embedry as em; em.Card, em.Relation", ["numpy"]),
        ("import embedry as em; em.Embeddings(['a'], [[1, 2]]).nearest(id='a')", ["numpy"]),
        ("import embedry as em; em.Corpus.from_lines(['a b']).counts", ["numpy"]),
        ("import embedry as em; em.Interactions.from_triples(['a'], ['b'])", ["numpy"]),
        ("import embedry as em; em.Graph.from_edges([(1, 2)]).isolated", ["numpy"]),
        ("from embedry import files, ids, metrics, query, ranking, vectors", ["numpy"]),
    ],
)
def test_import_loads_no_third_party_module_but_numpy(code, modules):
    """The exact list of top-level third-party modules in a fresh process."""
    assert third_party(code) == modules


def test_import_changes_nothing():
    """No warning filter, environment variable or logger is touched by the import."""
    code = (
        "import os, sys, warnings\n"
        "filters, environment = list(warnings.filters), dict(os.environ)\n"
        "import embedry\n"
        "print(filters == warnings.filters and environment == dict(os.environ) "
        "and 'logging' not in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    "name", [*errors.__all__, "Encoded", "Finetuned", "Growth", "Placed", "Stability"]
)
def test_what_public_calls_raise_and_return_is_public(name):
    """What a user must catch, and what an annotation must name, is reached as em.name."""
    assert name in em.__all__
    assert name.endswith("Error") == (getattr(em, name) is getattr(errors, name, None))


@pytest.mark.parametrize("name", em.__all__)
def test_public_name_resolves(name):
    """Every name in __all__ is there, listed by dir, and documented."""
    assert name in dir(em)
    value = getattr(em, name)
    assert value is getattr(em, name)
    assert name == "__version__" or value.__doc__


def test_public_names_are_sorted_and_each_once():
    """__all__ reads as an index."""
    names = [name for name in em.__all__ if not name.startswith("_")]
    assert names == sorted(set(names))


def test_public_names_come_with_a_star():
    """From embedry import * brings all of them."""
    code = "from embedry import *; import embedry; print(set(embedry.__all__) <= set(dir()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_unknown_name_is_an_attribute_error():
    """A name that is not there is the error that Python expects."""
    with pytest.raises(AttributeError, match="module 'embedry' has no attribute 'Colection'"):
        em.Colection  # noqa: B018
    assert not hasattr(em, "numpy")
