"""The demo: the main job on real data that is on every machine with Python.

Words are learned from the text of Python's sources, taste from which file uses which name, modules
from which imports which; documents are encoded by the encoder that comes with the package. Texts,
taste and modules become fields of one collection; then it is searched, asked, changed and misused.
Nothing here is prepared: the questions were chosen before the answers were seen.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.padding import Padding
from rich.text import Text

from embedry.cli import show
from embedry.data.graph import Graph
from embedry.data.samples import PythonLibrary, python_library, python_project
from embedry.embeddings import Embeddings
from embedry.encode.text import TextEncoder
from embedry.errors import ForeignSpaceError, InputError
from embedry.learn.graph import Node2Vec
from embedry.learn.taste.als import ALS
from embedry.learn.word2vec import Word2Vec
from embedry.store.collection import Collection
from embedry.trust.explain import explain
from embedry.use.recommend import Recommender

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from embedry.data.corpus import Corpus
    from embedry.data.interactions import Interactions

__all__ = ["run_demo"]

QUERY = "turn an object into json text"
FILTERED_QUERY, FILTER = "wait for a thread to finish", {"kind": "method"}
WORD, MODULE = "socket", "json"
ITEM, PEER = "json.dumps", "json.loads"
FILE = "json/tool.py"
NEW_ID = "my_notes.load_settings"
NEW_DOCUMENT = "Read settings from a JSON file and return them as a dict."
NEW_QUERY = "how do I read my settings"
NEW_USER = (PEER,)  # nobody learned: what they have used
_MARK = "made-by-embedry-demo"
_WORDS, _TASTE, _ITEMS = "words.embedry-model", "taste.embedry-model", "python.embedry"
_MODULES = "modules.embedry-model"


@dataclass(frozen=True)
class _Material:
    """What is learned from: items, who uses them, imports between modules, and text."""

    ids: tuple[str, ...]
    documents: tuple[str, ...]
    metadata: tuple[dict[str, str | int], ...]
    uses: Interactions
    imports: Graph
    text: Corpus
    files: tuple[str, ...]
    module: str | None  # the one to ask about


@dataclass(frozen=True)
class _Made:
    """What was made of it."""

    items: Collection
    words: Word2Vec
    taste: ALS
    recommender: Recommender
    imports: Graph
    files: tuple[str, ...]
    module: str | None


@dataclass
class _Report:
    """What is shown, and what is printed as JSON in its stead."""

    screen: Console | None
    data: dict[str, Any] = field(default_factory=dict)

    def say(self, *what: object) -> None:
        """Print, unless only JSON is wanted."""
        if self.screen is not None:
            self.screen.print(*what)

    def say_whole(self, line: Text) -> None:
        """Print a line that must not be broken: it is to be copied."""
        if self.screen is not None:
            self.screen.print(line, soft_wrap=True)

    def title(self, what: str) -> None:
        """Begin a scene."""
        self.say()
        self.say(Text(what, style="bold"))

    @contextmanager
    def step(self, what: str, name: str) -> Iterator[None]:
        """Time a step and say so when it is done."""
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        self.data.setdefault("seconds", {})[name] = round(seconds, 2)
        self.say(Text.assemble(("✓", "green"), f" {what} ", (f"({seconds:.1f} s)", "dim")))


def run_demo(project: Path | None, out: Path, *, as_json: bool) -> None:
    """Learn, keep, search, recommend, explain, change and misuse; see `embedry demo --help`.

    Parameters
    ----------
    project : Path or None
        A Python project; None for the Python library alone.
    out : Path
        The folder to keep everything in; an earlier demo there is replaced.
    as_json : bool

    Raises
    ------
    InputError
        If ``out`` holds something that no demo made, or the project cannot be read.

    Notes
    -----
    Everything is made aside and put in place when it is whole: interrupted before, it leaves an
    earlier demo as it was.
    """
    _check_out(out)
    report = _Report(None if as_json else show.console())
    files = _make(project, out.absolute(), report)
    made = _opened(out, files)
    with made.items:
        for scene in (
            _search,
            _word,
            _modules,
            _neighbours,
            _recommend,
            _filtered,
            _live,
            _refusal,
        ):
            scene(made, report)
    _goodbye(made, out, report)
    if as_json:
        show.print_json(report.data)


def _check_out(out: Path) -> None:
    is_empty = out.is_dir() and not any(out.iterdir())
    if out.is_symlink() or (out.exists() and not is_empty and not (out / _MARK).exists()):
        raise InputError(
            f"--out must be an earlier demo, an empty folder, or not there; {out} is something "
            "else. Pass another --out."
        )


def _make(project: Path | None, out: Path, report: _Report) -> _Material:
    """Make everything in ``out``, and return what it was made from."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as aside:
        fresh = Path(aside) / "fresh"
        fresh.mkdir()
        material = _learn(project, fresh, report)
        _swap(fresh, out, Path(aside) / "earlier")
    return material


def _learn(project: Path | None, folder: Path, report: _Report) -> _Material:
    with report.step("read the Python sources on this machine", "read"):
        material = _material(project)
    report.data["items"] = len(material.ids)
    report.say(
        f"  {len(material.ids):,} documented names, {material.text.token_count:,} words of text, "
        f"{len(material.uses):,} uses of {material.uses.shape[1]:,} names by "
        f"{material.uses.shape[0]:,} files"
    )
    with report.step("learned words from the text (Word2Vec, 100 dims)", "words"):
        words = Word2Vec(dims=100, window=10, sample=1e-4, epochs=10, seed=1).fit(material.text)
    with report.step("learned taste from what files use (ALS, 64 dims)", "taste"):
        taste = ALS(dims=64, seed=1).fit(material.uses.damped())
    what = f"learned modules from {material.imports.edge_count:,} imports (Node2Vec, 64 dims)"
    with report.step(what, "modules"):
        modules = Node2Vec(dims=64, q=0.5, length=40, window=5, seed=1).fit(material.imports)
    what = "kept texts (TextEncoder), taste and modules as fields of one collection"
    with report.step(what, "keep"):
        _keep(material, words, taste, modules, folder)
    return material


def _swap(fresh: Path, out: Path, earlier: Path) -> None:
    """Put what was made in place of an earlier demo; whatever happens, one of them is there."""
    try:
        if out.exists():
            out.rename(earlier)
        fresh.rename(out)
    finally:
        if earlier.exists() and not out.exists():
            earlier.rename(out)


def _opened(out: Path, material: _Material) -> _Made:
    words, taste = Word2Vec.load(out / _WORDS), ALS.load(out / _TASTE)
    items = Collection.open(out / _ITEMS, must_exist=True)
    recommender = Recommender(items, taste=taste, content="content")
    return _Made(
        items, words, taste, recommender, material.imports, material.files, material.module
    )


def _material(project: Path | None) -> _Material:
    library = python_library()
    if project is None:
        return _Material(
            library.ids,
            library.documents,
            library.metadata,
            library.uses,
            library.import_graph,
            library.text,
            (FILE,) if FILE in library.uses.user_ids else _busiest(library.uses),
            _module(library.import_graph, library.ids),
        )
    return _joined(library, python_project(project))


def _joined(library: PythonLibrary, own: PythonLibrary) -> _Material:
    """Put a project beside the library: its files learn from the library's and are asked about."""
    files = tuple(f"./{file}" for file in own.uses.user_ids)  # not to be taken for the library's
    uses = replace(own.uses, user_ids=files)
    known = set(library.ids)
    fresh = [place for place, id in enumerate(own.ids) if id not in known]
    imports = Graph.from_edges(library.imports + own.imports)
    return _Material(
        library.ids + tuple(own.ids[place] for place in fresh),
        library.documents + tuple(own.documents[place] for place in fresh),
        library.metadata + tuple(own.metadata[place] for place in fresh),
        library.uses.joined(uses),
        imports,
        own.text,
        _busiest(uses),
        _module(imports, [own.ids[place] for place in fresh], library.ids),
    )


def _busiest(uses: Interactions) -> tuple[str, ...]:
    """Return the two files that use most names."""
    largest = np.argsort(-np.diff(uses.indptr), kind="stable")[:2]
    return tuple(str(uses.user_ids[place]) for place in largest.tolist())


def _module(imports: Graph, *choices: Sequence[str]) -> str | None:
    """Return the module to ask about: of the first ids with a module, json or the best linked."""
    degrees = dict(zip(imports.ids, imports.degrees.tolist(), strict=True))
    for ids in choices:
        known = [id for id in ids if degrees.get(id)]
        if known:
            return MODULE if MODULE in known else max(known, key=lambda id: degrees[id])
    return None


def _keep(
    material: _Material, words: Word2Vec, taste: ALS, modules: Node2Vec, folder: Path
) -> None:
    (folder / _MARK).touch()
    words.save(folder / _WORDS)
    modules.save(folder / _MODULES)
    with Collection.open(folder / _ITEMS) as items:
        items.upsert(material.ids, documents=material.documents, metadata=material.metadata)
        items.add_field("content", encoder=TextEncoder())
        items.add_field("taste", embeddings=taste.item_embeddings_, missing="create")
        items.add_field("imports", embeddings=modules.embeddings_, missing="skip")
        Recommender(items, taste=taste, content="content").learn_placement()
    taste.save(folder / _TASTE)


def _search(made: _Made, report: _Report) -> None:
    found = made.items.search(QUERY, field="content", k=5)
    report.data["search"] = show.plain_hits(found)
    report.title(f'Search "{QUERY}", by meaning and by words')
    report.say(show.hits_table(found))


def _word(made: _Made, report: _Report) -> None:
    found = made.words.embeddings_.nearest(id=WORD, k=8)
    report.data["word"] = {"word": WORD, "near": list(found.ids)}
    report.say()
    near = ", ".join(map(str, found.ids))
    report.say(Text.assemble(("Words near ", "bold"), (WORD, "bold cyan"), f": {near}"))


def _modules(made: _Made, report: _Report) -> None:
    if made.module is None:
        report.say("No module is an item here, so none is asked about.")
        return
    near = made.items.search(id=made.module, field="imports", k=5).ids
    linked = [id for id in near if made.imports.has_edge(made.module, id)]
    report.data["modules"] = {"module": made.module, "near": list(near), "linked": linked}
    names = ", ".join(map(str, near)) or "none that is an item"
    report.say(
        Text.assemble(
            ("Modules near ", "bold"),
            (made.module, "bold cyan"),
            f" in the graph of imports: {names}; {len(linked)} of "
            f"these {len(near)} import it or are imported by it",
        )
    )


def _neighbours(made: _Made, report: _Report) -> None:
    found = made.taste.similar(ITEM, k=5)
    why = explain(made.items, ITEM, found[0].id, taste=made.taste)
    report.data["used_together"] = show.plain_hits(found)
    report.data["why"] = str(why)
    report.say()
    near = ", ".join(f"{hit.id} {hit.score:.2f}" for hit in found)
    report.say(
        Text.assemble(
            ("Used together with ", "bold"), (ITEM, "bold cyan"), f", by cosine in taste: {near}"
        )
    )
    compared = tuple(part for part in why.parts if part.score is not None)  # JSON has them all
    report.say(Padding.indent(show.explanation_lines(replace(why, parts=compared)), 2))


def _recommend(made: _Made, report: _Report) -> None:
    for file in made.files:
        found = made.recommender.recommend(file, k=4)
        report.data.setdefault("recommended", {})[file] = show.plain_hits(found)
        report.title(f"Recommended for {file}, by taste and content")
        report.say(show.recommendation_table(found))


def _filtered(made: _Made, report: _Report) -> None:
    found = made.items.search(FILTERED_QUERY, field="content", k=3, where=FILTER)
    report.data["filtered"] = show.plain_hits(found)
    passed, all_items = made.items.count(FILTER), len(made.items)
    report.title(f'Search "{FILTERED_QUERY}", where {FILTER}: {passed:,} of {all_items:,} pass')
    report.say(show.hits_table(found))


def _live(made: _Made, report: _Report) -> None:
    made.items.upsert([NEW_ID], documents=[NEW_DOCUMENT])
    began = time.perf_counter()
    found = made.items.search(NEW_QUERY, field="content", k=1)
    milliseconds = 1000 * (time.perf_counter() - began)
    hits = made.recommender.recommend(history=NEW_USER, k=len(made.items))
    place, hit = next((n, hit) for n, hit in enumerate(hits, 1) if hit.id == NEW_ID)
    report.data["live"] = {
        "found": found[0].id,
        "milliseconds": round(milliseconds, 2),
        "recommended_at": place,
        "of": len(hits),
        "parts": dict(hit.parts or {}),
    }
    report.say()
    report.say(
        Text.assemble(
            (f"Added {NEW_ID}, ", "bold"),
            f'asked "{NEW_QUERY}": found {found[0].id} in {milliseconds:.1f} ms; recommended to '
            f"who used {NEW_USER[0]}, before anybody has used it: place {place} of "
            f"{len(hits):,}, {hit.reason}",
        )
    )
    made.items.delete([NEW_ID])


def _refusal(made: _Made, report: _Report) -> None:
    stranger = Embeddings(["a query"], np.ones((1, made.items.field("content").card.dims)))
    try:
        made.items.search(vector=stranger, field="content")
    except ForeignSpaceError as error:
        report.data["refused"] = str(error)
        report.say()
        report.say(Text.assemble(("Refused, as it must be: ", "bold"), (str(error), "red")))


def _goodbye(made: _Made, out: Path, report: _Report) -> None:
    place = str(out / _ITEMS)
    commands = [
        shlex.join([*_program(), *words])
        for words in (
            ["search", place, "read a zip file"],
            ["recommend", place, made.files[0]],
            ["explain", place, ITEM, PEER],
        )
    ]
    report.data["collection"], report.data["try"] = place, commands
    report.say()
    report.say(f"The collection lies in {place} . Try next:")
    for command in commands:
        report.say_whole(Text(f"  {command}", style="cyan"))


def _program() -> list[str]:
    """Return how this program is called from here, so that the commands can be pasted."""
    if shutil.which("embedry"):
        return ["embedry"]
    is_script = Path(sys.argv[0]).name == "embedry"
    return [sys.argv[0]] if is_script else [sys.executable, "-m", "embedry"]
