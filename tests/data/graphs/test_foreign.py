"""Graphs from files, networkx, SciPy and DataFrames, each against what made them."""

from __future__ import annotations

import csv
import gzip
import importlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from embedry.data.graph import Graph
from embedry.errors import FileFormatError, InputError

ROOT = Path(__file__).parents[3].parent
DATA = Path(os.environ.get("EMBEDRY_DATA", ROOT / "shared" / "data")) / "graphs"

AWKWARD = ["a", "b,", "é", ' "', "\u2028", "c\nd", "1", "01"]
EDGES = [("ann", "bob", 2.0), ("bob", "cid", 0.5), ("ann", "cid", 1.0)]


def module(name):
    """Import a package of the test extra, or skip."""
    return pytest.importorskip(name, reason=f"{name} is not installed")


def as_dense(graph):
    """Turn a graph into a table."""
    weights = np.ones(graph.arc_count) if graph.weights is None else graph.weights
    matrix = sparse.csr_array((weights, graph.indices, graph.indptr), (len(graph), len(graph)))
    return matrix.toarray()


def as_dict(graph):
    """Return the weight of each edge by the names of its ends."""
    columns = (column.tolist() for column in graph.edges())
    return {(graph.ids[s], graph.ids[t]): w for s, t, w in zip(*columns, strict=True)}


def written(folder, text):
    """Write a file of this text, byte by byte."""
    path = folder / "edges.txt"
    path.write_bytes(text.encode())
    return path


# --- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "::", " ", "  \t "])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\n\n"])
@pytest.mark.parametrize(
    "comment", ["", "# a b {'weight': 3}\n", "# made by\t'hand', \"quoted\n", "%x y\n\n% x\n"]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_graph_from_file_finds_out_the_form(
    tmp_path, delimiter, header, line_end, comment, weighted
):
    """Any usual delimiter, with or without weights, header and comments, each line counted."""
    rows = [edge if weighted else edge[:2] for edge in EDGES]
    names = ("source", "target", "weight")[: len(rows[0])]
    lines = [names, *rows] if header else rows
    text = comment + "".join(delimiter.join(map(str, row)) + "\n" for row in lines)
    asked = " " if delimiter == "  \t " else None  # a tab alone would be taken for the delimiter
    path = written(tmp_path, "\ufeff" + text.replace("\n", line_end))
    found = Graph.from_file(path, delimiter=asked)
    expected = {"header line": int(header), "comment line": comment.count("x") or bool(comment)}
    if comment.startswith("%"):
        expected["comment line"] = 2
    expected["empty line"] = path.read_text().split("\n")[:-1].count("")
    assert found.dropped == {reason: count for reason, count in expected.items() if count}
    assert found.ids == ("ann", "bob", "cid")
    assert as_dict(found) == as_dict(
        Graph.from_edges([edge[:2] for edge in EDGES], [w for *_, w in EDGES] if weighted else None)
    )
    assert found.is_weighted == weighted


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.sampled_from(["a", "b,", "é", ' "', "\u2028", "c\nd", "1", "01"])] * 2)
    ),
    st.booleans(),
)
def test_graph_from_file_reads_what_csv_writes(tmp_path_factory, rows, directed):
    """Names with commas, quotes and line ends come back from a quoted table."""
    rows = [*rows, ("u", "v")]
    path = tmp_path_factory.mktemp("csv") / "edges.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    found = Graph.from_file(path, directed=directed, self_loops="keep", comments="", header=False)
    expected = Graph.from_edges(rows, directed=directed, self_loops="keep")
    assert found.ids == expected.ids
    assert as_dict(found) == as_dict(expected)
    assert found.merged == expected.merged


def test_graph_from_file_is_the_same_in_one_batch_or_many(tmp_path, monkeypatch):
    """Batches are how a file is read, not what it says; a wrong line in a late one is named."""
    rng = np.random.default_rng(0)
    rows = [f"n{a} n{b} {w}" for a, b, w in rng.integers(1, 30, (100, 3)).tolist()]
    path = written(tmp_path, "\n".join(["# first", *rows[:70], "", "# second", *rows[70:]]))
    whole = Graph.from_file(path, directed=True)
    with monkeypatch.context() as patch:
        patch.setattr("embedry.data.tables.reader._ROWS_AT_ONCE", 7)
        parts = Graph.from_file(path, directed=True)
        assert parts.ids == whole.ids
        assert as_dict(parts) == as_dict(whole)
        assert parts.dropped == whole.dropped
        assert whole.dropped["comment line"] == 2
        written(tmp_path, path.read_text() + "\nlast line here 1")
        with pytest.raises(InputError, match="line 104: every line must have 3 columns"):
            Graph.from_file(path)


def test_graph_from_file_unpacks(tmp_path):
    """A packed file is the file, whatever either is called; one cut short is refused."""
    data = gzip.compress(b"a b\n" * 99)
    for name in ("e.gz", "e.txt"):
        for whole in (data, b"a b\n" * 99):
            (tmp_path / name).write_bytes(whole)
            assert Graph.from_file(tmp_path / name).merged == 98
        (tmp_path / name).write_bytes(data[:-9])
        with pytest.raises(FileFormatError, match="whole gzip file"):
            Graph.from_file(tmp_path / name)


def test_graph_from_file_takes_columns_by_name_or_number(tmp_path):
    """In any place; others are not looked at, a third of two asked for neither."""
    path = written(tmp_path, "when,to,strength,from\nx,b,3,a\ny,c,4,a\n")
    named = Graph.from_file(path, columns=("from", "to", "strength"), directed=True)
    assert as_dict(named) == {("a", "b"): 3, ("a", "c"): 4}
    assert named.dropped == {"header line": 1}
    assert as_dict(Graph.from_file(path, columns=(3, 1, 2), directed=True)) == as_dict(named)
    assert Graph.from_file(path, columns=(3, 1)).ids == ("a", "b", "c")  # from,to: a header
    assert Graph.from_file(path, columns=(3, 1), header=False).ids[:2] == ("from", "to")


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("FromNodeId\tToNodeId\n1\t2\n", 1),
        ("node_1,node_2\n1,2\n", 1),
        ("id_1,id_2\n1,2\n", 1),
        ("Source;Target\n1;2\n", 1),
        ("source,sink\n1,2\n", 1),
        ("source,sink\n1,x\n", 0),  # may be names
        ("u v\n1 2\n", 1),
        ("a b one\nc d 2\n", 1),
    ],
)
def test_graph_from_file_tells_a_header(tmp_path, text, counted):
    """A header is told by its names, or by words above numbers, and counted."""
    found = Graph.from_file(written(tmp_path, text))
    assert found.dropped.get("header line", 0) == counted
    assert found.edge_count == 2 - counted


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "it is empty"),
        ("# nothing\n\n", {}, "it is empty"),
        ("a b\n#\n\nc\n", {}, "line 4: every line must have 2 columns"),
        ("a,b\nc,\n", {}, "line 2: source and target must not be empty"),
        ("a b 1\nc d x\n", {}, "line 2: the weight must be 0, or a number in .*'x'.*0, 1"),
        ("a b {}\nc d {}\n", {"delimiter": " "}, "line 1: the weight .*columns=\\(0, 1\\)"),
        ("a b {}\nc d {}\n", {}, "read_edgelist\\(path\\), then Graph.from_networkx"),
        ("# x\n1 2 {'weight': 3.0, 'x': 1}\n", {}, "read_edgelist\\(path\\), then Graph.from"),
        ("a b 1\n\nc d -1\n", {}, "line 3: .*'-1'"),
        ("a b 1\nc d nan\n", {}, "line 2: .*'nan'"),
        ("a b 1\nc d inf\n", {}, "line 2: .*'inf'"),
        ("a b 1\nc d 1e-31\n", {}, "line 2: .*'1e-31'"),
        ("a b 0\n", {}, "at least one edge; got none, after leaving out 1 of weight of zero"),
        ("a a\n", {}, "after leaving out 1 of self loop"),
        ("a b 1\nb a 2\n", {}, "from 'a' to 'b': 1 and back 2"),
        ("a,b\n", {"columns": (0, 3)}, "must have a column 3"),
        ("a,b\n", {"columns": (0,)}, "must name source, target and perhaps weight"),
        ("alone\n", {}, "must have a column 1"),
        ('a,b\n"c,d\n', {}, "line 2: .*quotes"),
        ('a,b\n#"\nc\n"d,e\n', {}, "line 3: every line must have 2 columns"),  # the first fault
        ("a b\n", {"delimiter": ""}, "delimiter must be"),
        ("a b\n", {"comments": None}, "comments must be"),
        ("a b\n", {"self_loops": True}, "self_loops must be"),
        ("%%MatrixMarket matrix\n2 2 1\n1 2 3\n", {}, "scipy.io.mmread"),
    ],
)
def test_graph_from_file_refuses_what_cannot_be_read(tmp_path, text, options, message):
    """A wrong file is named, with the line where it goes wrong."""
    with pytest.raises(InputError, match=message):
        Graph.from_file(written(tmp_path, text), **options)


def test_graph_from_file_refuses_the_attributes_of_networkx(tmp_path):
    """What networkx writes is read by networkx; a brace in a name is a name."""
    nx = module("networkx")
    edges = nx.Graph([(1, 2, {"weight": 3.0, "x": "a,b"}), (2, 3, {"weight": 1.0})])
    for mark in (" ", "\t"):
        nx.write_edgelist(edges, tmp_path / "e", delimiter=mark)
        with pytest.raises(InputError, match="got attributes of an edge"):
            Graph.from_file(tmp_path / "e")
    nx.write_edgelist(edges, tmp_path / "e")
    theirs = Graph.from_networkx(nx.read_edgelist(tmp_path / "e"))
    assert as_dict(theirs) == {("1", "2"): 3, ("2", "3"): 1}
    text = "a b {}\nc d {}\n"
    assert Graph.from_file(written(tmp_path, text), delimiter=" ", columns=(0, 1)).edge_count == 2
    assert Graph.from_file(written(tmp_path, "{a} b\nb, {c}\n")).ids[0] == "{a}"
    assert Graph.from_file(written(tmp_path, "a, {c}\n")).ids == ("a", "{c}")


def test_graph_from_file_refuses_other_files(tmp_path):
    """A missing file, and bytes that are no text."""
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Graph.from_file(tmp_path / "nothing")
    (tmp_path / "e").write_bytes(b"caf\xe9,x\n")
    with pytest.raises(InputError, match="must be UTF-8"):
        Graph.from_file(tmp_path / "e")
    (tmp_path / "e").write_bytes("a,x\n".encode("utf-16-le"))
    with pytest.raises(FileFormatError, match="4 of its first 8 bytes are 0"):
        Graph.from_file(tmp_path / "e")


# --- SciPy -------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 999), st.integers(2, 9), st.floats(0.1, 1), st.booleans(), st.booleans())
def test_graph_from_scipy_is_the_matrix(seed, nodes, density, symmetric, keep):
    """The matrix comes back without its diagonal or with it; symmetric ones are undirected."""
    rng = np.random.default_rng(seed)
    matrix = sparse.random_array((nodes, nodes), density=density, format="coo", rng=rng)
    if symmetric:
        matrix = (matrix + matrix.T).tocoo()
    dense = matrix.toarray().astype(np.float32)
    if not keep:
        np.fill_diagonal(dense, 0)
    for form in (matrix, matrix.tocsr(), matrix.tocsc(), sparse.coo_matrix(matrix)):
        if not dense.any():
            with pytest.raises(InputError, match="at least one edge"):
                Graph.from_scipy(form)
            continue
        made = Graph.from_scipy(form, self_loops="keep" if keep else "drop")
        assert made.ids == tuple(range(nodes))
        assert made.directed == (not np.array_equal(dense, dense.T))
        np.testing.assert_allclose(as_dense(made), dense, rtol=1e-7)
        assert made.merged == 0
        assert Graph.from_scipy(form, directed=True, self_loops="keep").directed


def test_graph_from_scipy_counts_what_it_changes():
    """Stored zeros and loops are left out and repeats added up; empty rows stay."""
    places = ([0, 0, 1, 2, 2, 3], [1, 1, 0, 0, 2, 3])
    matrix = sparse.coo_array(([1, 2, 3, 0, 5, 0], places), shape=(5, 5))
    made = Graph.from_scipy(matrix)
    assert not made.directed
    assert as_dict(made) == {(0, 1): 3}
    assert (made.merged, made.dropped) == (1, {"weight of zero": 2, "self loop": 1})
    assert made.isolated == (2, 3, 4)


def test_graph_from_scipy_refuses_an_asymmetric_matrix_as_undirected():
    """The first place is named; the directed graph without directions is the way out."""
    matrix = sparse.coo_array([[0, 2.0, 0], [2, 0, 1], [0, 3, 0]])
    with pytest.raises(InputError, match="row 1, column 2: 1 there and 3 back"):
        Graph.from_scipy(matrix, directed=False)
    with pytest.raises(InputError, match="row 0, column 1: 2 there and 0 back"):
        Graph.from_scipy(sparse.triu(matrix), directed=False)
    made = Graph.from_scipy(matrix, directed=True).undirected()
    assert as_dict(made) == {(0, 1): 4, (1, 2): 4}


def test_graph_from_scipy_takes_roundings_for_the_same():
    """A matrix that is symmetric but for its last bits is symmetric, and then is so exactly."""
    matrix = sparse.coo_array([[0, 0.1], [0.1 + 1e-9, 0]])
    made = Graph.from_scipy(matrix)
    assert not made.directed
    assert made.weights[0] == made.weights[1]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(2), "SciPy sparse matrix"),
        ([[1]], "SciPy sparse matrix"),
        (sparse.coo_array(np.array([1, 2])), "nodes by nodes"),
        (sparse.coo_array(np.ones((2, 3))), r"nodes by nodes; got coo_array \(2, 3\)"),
        (sparse.coo_array((0, 0)), "at least one edge"),
        (sparse.coo_array([[1.0, 0], [-2, 0]]), "row 1, column 0: -2"),
        (sparse.csr_array([[0, np.nan], [0, 0]]), "row 0, column 1: nan"),
        (sparse.coo_array([[1j]]), "must be numbers"),
    ],
)
def test_graph_from_scipy_refuses_what_must_not_be(matrix, message):
    """Only square sparse matrices of weights; a wrong one with its row and column."""
    with pytest.raises(InputError, match=message):
        Graph.from_scipy(matrix)


# --- networkx ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Graph", "DiGraph", "MultiGraph", "MultiDiGraph"])
@pytest.mark.parametrize("weight", ["weight", None])
def test_graph_from_networkx_is_its_matrix(kind, weight):
    """What networkx itself gives as a matrix, whichever its kind; neighbours and degrees too."""
    nx = module("networkx")
    rng = np.random.default_rng(0)
    graph = getattr(nx, kind)()
    graph.add_nodes_from([*"dcba", 7, "7"])
    for source, target, weight_of in rng.integers(1, 6, (40, 3)).tolist():
        graph.add_edge("abcdef"[source], "abcdef"[target], weight=weight_of / 4)
    made = Graph.from_networkx(graph, weight=weight, self_loops="keep")
    assert made.ids == tuple(graph.nodes)
    assert made.directed == graph.is_directed()
    expected = nx.to_scipy_sparse_array(graph, weight=weight).toarray()
    if weight is None:
        expected = expected > 0
    np.testing.assert_array_equal(as_dense(made), expected)
    simple = (nx.DiGraph if graph.is_directed() else nx.Graph)(graph)
    assert made.edge_count == simple.number_of_edges()
    assert made.merged == graph.number_of_edges() - simple.number_of_edges()
    assert list(made.isolated) == list(nx.isolates(graph))
    for node in graph.nodes:
        assert set(made.neighbours(node)) == set(graph.adj[node])
        assert made.has_edge("b", node) == graph.has_edge("b", node)


def test_graph_from_networkx_equals_from_its_edges():
    """The karate club: weights, both with and without them."""
    nx = module("networkx")
    club = nx.karate_club_graph()
    made = Graph.from_networkx(club)
    assert (len(made), made.edge_count, made.is_weighted) == (34, 78, True)
    assert made.degrees.tolist() == [degree for _, degree in club.degree()]
    assert not Graph.from_networkx(club, weight=None).is_weighted


def test_graph_from_networkx_refuses():
    """Names that are no ids, weights that some edges lack, no edges, other things."""
    nx = module("networkx")
    with pytest.raises(InputError, match=r"got \(0, 0\) of type tuple.*relabel_nodes"):
        Graph.from_networkx(nx.grid_graph([2, 2]))
    mixed = nx.Graph([(1, 2, {"weight": 3}), (2, 3)])
    with pytest.raises(InputError, match="1 of 2 have none, the first from 2 to 3"):
        Graph.from_networkx(mixed)
    assert Graph.from_networkx(mixed, weight=None).edge_count == 2
    with pytest.raises(InputError, match="edge 0, 1 to 2: -1"):
        Graph.from_networkx(nx.Graph([(1, 2, {"weight": -1})]))
    with pytest.raises(InputError, match="at least one edge"):
        Graph.from_networkx(nx.empty_graph(3))
    with pytest.raises(InputError, match="must be a networkx graph; got ndarray"):
        Graph.from_networkx(np.eye(2))


def test_graph_from_networkx_refuses_a_weight_that_no_edge_has():
    """A name spelt wrong never makes a graph without weights; the usual one may be missing."""
    nx = module("networkx")
    graph = nx.MultiGraph([(1, 2, {"weight": 3, "cost": 1}), (2, 3, {"weight": 1, "age": 2})])
    with pytest.raises(InputError, match="none has 'wieght', they have age, cost, weight"):
        Graph.from_networkx(graph, weight="wieght")
    with pytest.raises(InputError, match="they have no attributes"):
        Graph.from_networkx(nx.path_graph(3), weight="cost")
    with pytest.raises(InputError, match="at least one edge"):
        Graph.from_networkx(nx.empty_graph(3), weight="cost")
    assert not Graph.from_networkx(nx.path_graph(3)).is_weighted


# --- frames ------------------------------------------------------------------------------------

COLUMNS = {"who": ["ann", "bob", "bob"], "whom": [1, 2, 1], "how": [2.0, 1.0, 0.0]}


def check_frame(frame):
    """Hold what a frame of COLUMNS gives against its columns."""
    made = Graph.from_frame(frame, source="who", target="whom", weight="how", directed=True)
    assert made.ids == ("ann", 1, "bob", 2)
    assert made.dropped == {"weight of zero": 1}
    assert as_dict(made) == {("ann", 1): 2, ("bob", 2): 1}
    assert Graph.from_frame(frame, source="who", target="whom").edge_count == 3
    numbers = Graph.from_frame(frame, source="whom", target="whom", directed=True, weight="how")
    assert numbers.ids == (1, 2)


def test_graph_from_frame_reads_a_mapping():
    """Lists or arrays by name are a frame; a list of names of two kinds stays what it is."""
    columns = {**COLUMNS, "self": ["x", 1, "1"]}
    for frame in (columns, {name: np.array(column) for name, column in COLUMNS.items()}):
        made = Graph.from_frame(frame, source="who", target="whom", weight="how")
        assert as_dict(made) == {("ann", 1): 2, ("bob", 2): 1}
    made = Graph.from_frame(columns, source="self", target="who")
    assert made.ids == ("x", "ann", 1, "bob", "1")


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_graph_from_frame_reads_data_frames(library):
    """DataFrames and tables are read by their columns."""
    found = module(library)
    make = found.table if library == "pyarrow" else found.DataFrame
    frame = make({**COLUMNS, "source": [1, 2, 3], "target": [2, 3, 1]})
    made = Graph.from_frame(frame, source="who", target="whom", weight="how", directed=True)
    assert made.ids == ("ann", 1, "bob", 2)
    assert made.dropped == {"weight of zero": 1}
    assert Graph.from_frame(frame).ids == (1, 2, 3)
    assert all(type(node) is int for node in Graph.from_frame(frame).ids)


def test_graph_from_frame_refuses():
    """The message names what is missing and what is there; a gap is no id."""
    with pytest.raises(InputError, match="must have a column 'source'; it has who, whom, how"):
        Graph.from_frame(COLUMNS)
    with pytest.raises(InputError, match="'trust'"):
        Graph.from_frame(COLUMNS, source="who", target="whom", weight="trust")
    pandas = module("pandas")
    for gap in ([1, None], pandas.array([1, None], "Int64"), ["a", None], [1, np.nan]):
        frame = pandas.DataFrame({"source": [1, 2], "target": gap, "w": gap})
        with pytest.raises(InputError, match=r"'target', row 1 \(from 0\) is missing. Drop"):
            Graph.from_frame(frame)
        if gap[0] == 1:
            with pytest.raises(InputError, match="column 'w', row 1"):
                Graph.from_frame(frame, target="source", weight="w")
    with pytest.raises(InputError, match="column 'source', row 0"):
        Graph.from_frame({"source": [None, 1], "target": [1, 2]})
    with pytest.raises(InputError, match=r"An id must be .* got 1.5"):
        Graph.from_frame({"source": [1.5, 1], "target": [1, 2]})
    with pytest.raises(InputError, match="An id must be"):
        Graph.from_frame({"source": [[1], [1, 2]], "target": [1, 2]})
    with pytest.raises(InputError, match="column 'source', row 1"):
        Graph.from_frame({"source": ["a", np.nan], "target": [1, 2]})
    for frame in (5, None, "ab"):
        with pytest.raises(InputError, match="frame must be a DataFrame"):
            Graph.from_frame(frame)


def test_graph_from_frame_takes_what_from_edges_takes():
    """Nodes without edges come first, and self loops stay when asked for."""
    frame = {"source": ["a", "b"], "target": ["b", "b"]}
    made = Graph.from_frame(frame, nodes=["z"], self_loops="keep")
    assert (made.ids, made.edge_count, made.dropped) == (("z", "a", "b"), 2, {})
    assert Graph.from_frame(frame).dropped == {"self loop": 1}


# --- real graphs -------------------------------------------------------------------------------


def real(name):
    """Return the path of a file in the data folder, or skip."""
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not in the data folder (set EMBEDRY_DATA)")
    return DATA / name


@pytest.mark.parametrize(
    "name", ["cora/cora_edgelist.txt", "wiki/Wiki_edgelist.txt", "facebook_combined.txt"]
)
@pytest.mark.parametrize("directed", [False, True])
def test_graph_from_real_files_equals_networkx(name, directed):
    """Nodes, edges, loops and degrees of well-known files, read by networkx too."""
    nx = module("networkx")
    path = real(name)
    made = Graph.from_file(path, directed=directed)
    theirs = nx.read_edgelist(path, create_using=nx.DiGraph if directed else nx.Graph)
    lines = len(path.read_text().split("\n")) - 1
    theirs.remove_edges_from(list(nx.selfloop_edges(theirs)))
    assert set(made.ids) == set(theirs.nodes)
    assert made.edge_count == theirs.number_of_edges()
    assert made.merged == lines - made.dropped.get("self loop", 0) - made.edge_count
    degree = theirs.out_degree if directed else theirs.degree
    assert made.degrees.tolist() == [degree[node] for node in made.ids]


def test_graph_from_scipy_reads_blogcatalog():
    """10,312 bloggers and 333,983 friendships, as published, each weighing 1."""
    network = importlib.import_module("scipy.io").loadmat(real("blogcatalog.mat"))["network"]
    made = Graph.from_scipy(network)
    assert repr(made) == "Graph(10,312 nodes, 333,983 edges)"
    np.testing.assert_array_equal(made.indices, sparse.csr_array(network).indices)


class LikePolars:
    """The surface of a polars frame: columns by name, and iterating gives columns, not names."""

    def __init__(self, columns):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name):
        return self._columns[name]

    def __iter__(self):
        return iter(self._columns.values())


class LazyFrame:
    """A frame without rows."""


def test_graph_from_frame_takes_frames_that_iterate_over_columns():
    """Names are asked for, not guessed from iterating; a lazy frame is told to collect."""
    columns = {"source": np.array(["ann", "bob"]), "target": np.array(["bob", "cid"])}
    found = Graph.from_frame(LikePolars(columns))
    assert found.ids == ("ann", "bob", "cid")
    with pytest.raises(InputError, match="must have a column 'target'; it has source"):
        Graph.from_frame(LikePolars({"source": columns["source"]}))
    with pytest.raises(InputError, match="collect"):
        Graph.from_frame(LazyFrame())


@pytest.mark.parametrize("directed", ["x", 2, None, 1.0])
def test_graph_directed_must_be_a_bool(directed, tmp_path):
    """Anything else is refused, wherever a graph is made."""
    (tmp_path / "edges").write_text("a b\n")
    for make in (
        lambda: Graph.from_edges([(1, 2)], directed=directed),
        lambda: Graph.from_file(tmp_path / "edges", directed=directed),
        lambda: Graph.from_frame({"source": ["a"], "target": ["b"]}, directed=directed),
    ):
        with pytest.raises(InputError, match="directed must be True or False"):
            make()
