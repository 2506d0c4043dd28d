"""The laws of the source tree: which way data flows, how long files are, what is written down."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import embedry
from embedry.cli.commands import app

SOURCE = Path(embedry.__file__).parent
ROOT = SOURCE.parent.parent
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST = 450
# Longer for a reason that the file tells, or kernels, which may be long.
MAY_BE_LONGER = {
    "card.py", "data/graph.py", "data/interactions.py", "learn/taste/learner.py",
    "kernels/least_squares.py", "learn/word2vec.py",
    "store/collection.py", "store/metadata/filters.py", "store/indexes/text_index.py",
}  # fmt: skip


def name(path):
    return path.relative_to(SOURCE).as_posix()


@pytest.fixture(scope="module", params=FILES, ids=name)
def module(request):
    return request.param, ast.parse(request.param.read_text(encoding="utf-8"))


def test_architecture_data_flows_one_way():
    """The contracts in pyproject.toml hold: no room imports one that stands right of it."""
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("the contracts are in the source tree, and this is an installed package")
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_architecture_files_are_short(module):
    """A file has fewer than 450 lines, but for those that say why not."""
    path, _ = module
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < LONGEST or name(path) in MAY_BE_LONGER


def test_architecture_no_print_and_no_assert(module):
    """The package prints nothing by itself, and does not check its input with assert."""
    _, tree = module
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert), node.lineno
        called = node.func if isinstance(node, ast.Call) else None
        assert not (isinstance(called, ast.Name) and called.id == "print"), node.lineno


def test_architecture_public_names_have_docstrings(module):
    """Every module, public class, and public function or method says what it is."""
    _, tree = module
    assert ast.get_docstring(tree)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for owner in [tree, *(node for node in classes if not node.name.startswith("_"))]:
        for node in owner.body:
            is_definition = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if not is_definition or node.name.startswith("_") or _is_overload(node):
                continue
            assert ast.get_docstring(node), f"{node.name}, line {node.lineno}"


def _is_overload(node):
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)


def test_architecture_all_lists_public_names_only(module):
    """What a module offers in ``__all__`` is there, and begins with no underscore."""
    _, tree = module
    listed = [
        node.value for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]  # fmt: skip
    for names in listed:
        if not isinstance(names, ast.List | ast.Tuple) or not all(
            isinstance(item, ast.Constant) for item in names.elts
        ):
            continue
        offered = {item.value for item in names.elts}
        defined = {n.name for n in tree.body if hasattr(n, "name")}
        for node in tree.body:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            defined |= {t.id for t in targets if isinstance(t, ast.Name)}
            if isinstance(node, ast.Import | ast.ImportFrom):
                defined |= {alias.asname or alias.name for alias in node.names}
        assert offered <= defined
        assert not [public for public in offered if public.startswith("_")]


def test_architecture_public_functions_take_no_kwargs(module):
    """No public function takes ``**kwargs``: each argument has a name that can be read."""
    _, tree = module
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            kwargs = node.args.kwarg
            # scikit-learn's contract has set_params(**settings)
            assert kwargs is None or node.name == "set_params", node.name


def commands():
    """Return every command of the command line, as it is typed."""
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    own = [command.name or command.callback.__name__ for command in app.registered_commands]
    nested = [
        f"{title} {command.name or command.callback.__name__}"
        for title, group in groups.items()
        for command in group.registered_commands
    ]
    return [*own, *nested]


@pytest.mark.parametrize("command", commands())
def test_architecture_readme_documents_each_command(command):
    """Each command of the command line stands in the README."""
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README beside an installed package")
    assert re.search(rf"embedry {command}\b", readme.read_text(encoding="utf-8")), command
