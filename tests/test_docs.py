"""The documentation holds: its code runs, it names what is public, its links lead somewhere."""

import ast
import doctest
import inspect
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import bpx
import bpx.interop.spectrum
from bpx.arrays.backend import Backend
from bpx_backends import KNOWN

ROOT = Path(__file__).parent.parent
PUBLIC = (
    bpx,
    bpx.activations,
    bpx.costs,
    bpx.data,
    bpx.feedback,
    bpx.initializers,
    bpx.inspect,
    bpx.inspect.plots,
    bpx.interop.spectrum,
    bpx.layers,
    bpx.metrics,
    bpx.optim,
    bpx.privacy,
    bpx.random,
    bpx.sklearn,
    bpx.testing,
)
EXECUTED = (  # with NumPy alone: fast
    "c",
    "coming-from-keras",
    "coming-from-pytorch",
    "coming-from-scikit-learn",
    "coming-from-the-book",
    "costs-and-metrics",
    "data",
    "derivation",
    "custom",
    "curvature",
    "export",
    "feedback",
    "checks",
    "health",
    "influence",
    "inputs",
    "layers",
    "loops",
    "optimizers",
    "privacy",
    "resuming",
    "schedules",
    "scikit-learn",
    "tables",
    "tune",
)
NEEDED = {
    "export": ("onnx", "onnxruntime", "sklearn"),
    "tune": ("optuna", "click", "rich", "tomli_w"),
}
"""The packages that a page needs besides."""
NAMES = [(module, name) for module in PUBLIC for name in module.__all__]
PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("[!_]*/*.md"))
PAGES += sorted((ROOT / "docs").glob("*.md"))


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(path, opening):
    """The fenced code of a page whose fence opens so."""
    found = re.findall(rf"^```{re.escape(opening)}[^\n]*\n(.*?)^```$", read(path), re.M | re.S)
    return [re.sub(r"\A(:.*\n|\n)+", "", code) for code in found]


def run(codes, **names):
    for code in codes:
        exec(compile(code, "docs", "exec"), names)
    return names


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_bar_in_a_docstring_is_quoted(module, name):
    """As |x| is a substitution of reStructuredText, of which `make docs` knows none."""
    text = re.sub(r"``.*?``", "", inspect.getdoc(getattr(module, name)) or "")
    assert not re.search(r"\|[^\s|]([^|\n]*[^\s|])?\|", text)


def dotted(module, name):
    return f"{module.__name__}.{name}"


def written(thing):
    """A public name, and the classes of bpx that it inherits from."""
    if not inspect.isclass(thing):
        return [thing]
    bases = (cls for cls in thing.__mro__[1:] if cls.__module__.startswith("bpx."))
    return [thing, *bases]


def examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = {
        test.name: test
        for module, name in NAMES
        for thing in written(getattr(module, name))
        for test in finder.find(thing, dotted(module, name), globs={"bpx": bpx, "np": np})
        if test.examples
    }
    assert found
    return found


def in_api():
    """The names that docs/api.md lists, with the modules that it lists them under."""
    listed, module = [], None
    for line in read("docs/api.md").splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split()[-1]
        elif re.fullmatch(r"   \w+", line):
            listed.append(f"{module}.{line.strip()}")
    return listed


def documented_data(module):
    """The module's variables that a docstring follows."""
    body = ast.parse(inspect.getsource(module)).body
    for assigned, after in pairwise(body):
        targets = getattr(assigned, "targets", [getattr(assigned, "target", None)])
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_the_code_of_the_readme_prints_what_the_readme_shows(capsys):
    (code,), (shown,) = blocks("README.md", "python"), blocks("README.md", "text")
    run([code])
    number = r"\d+\.\d+"
    printed = capsys.readouterr().out
    assert re.sub(number, "#", printed) == re.sub(number, "#", shown)
    # The last digits are the machine's.
    floats = [[float(each) for each in re.findall(number, text)] for text in (printed, shown)]
    np.testing.assert_allclose(*floats, rtol=1e-3)


def test_the_first_page_of_the_docs_is_the_readme():
    (opening,) = re.findall(r":start-after: \"(.+)\"", read("docs/index.md"))
    (end,) = re.findall(r":end-before: \"(.+)\"", read("docs/index.md"))
    assert read("README.md").count(opening) == read("README.md").count(end) == 1


@pytest.mark.parametrize("page", EXECUTED)
def test_the_cells_of_a_page_run(page, capsys):
    for name in NEEDED.get(page, ()):
        pytest.importorskip(name, reason=f"the page uses {name}")
    codes = blocks(f"docs/{page}.md", "{code-cell}")
    assert codes
    run(codes)
    assert "False" not in capsys.readouterr().out  # of a check that prints how it went


def test_the_code_of_the_page_on_pytorch_and_jax_runs(capsys):
    for library in ("torch", "jax"):  # which docs are built without
        pytest.importorskip(library, reason=f"the page takes {library}")
    run(blocks("docs/pytorch-and-jax.md", "python"))
    shown = capsys.readouterr().out
    assert "(2): LayerNorm((32,)" in shown
    accuracies = [float(each) for each in re.findall(r"accuracy=([\d.]+)", shown)]
    assert len(accuracies) == 3
    assert min(accuracies) > 0.8


@pytest.mark.parametrize("name", examples())
def test_the_examples_of_a_docstring_run(name):
    told, test = [], examples()[name]
    for library in ("torch", "jax"):
        if any(library in each.source for each in test.examples):
            pytest.importorskip(library, reason=f"the example takes {library}")
    result = doctest.DocTestRunner().run(test, out=told.append)
    assert result.failed == 0, "".join(told)


def test_api_lists_the_public_names_and_no_others():
    public = {
        dotted(module, name)
        for module, name in NAMES
        # what bpx itself has too is listed there
        if module is bpx or getattr(bpx, name, None) is not getattr(module, name)
    }
    listed = in_api()
    assert set(listed) == public
    assert len(listed) == len(public)


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda x: getattr(x, "__name__", x))
def test_a_public_name_has_a_docstring(module, name):
    thing = getattr(module, name)
    if not (inspect.isclass(thing) or inspect.isroutine(thing) or inspect.ismodule(thing)):
        assert name in documented_data(module)
        return
    doc = inspect.getdoc(thing) or ""
    assert doc
    assert not doc.startswith(f"{name}("), "the docstring that NamedTuple or dataclass writes"
    if inspect.isclass(thing):
        assert not [name for cls in written(thing) for name in undocumented(cls)]


def undocumented(cls):
    for name, member in vars(cls).items():
        is_method = inspect.isfunction(member) or isinstance(member, classmethod | property)
        if is_method and not name.startswith("_") and not inspect.getdoc(member):
            yield name


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_all_is_sorted(module):
    # as ruff does it: constants, classes, the rest
    key = lambda name: (not name.isupper(), not name[0].isupper(), name)  # noqa: E731
    assert list(module.__all__) == sorted(set(module.__all__), key=key)


def test_notation_names_every_field_of_trace():
    table = read("docs/notation.md")
    missing = [field for field in bpx.Trace._fields if f"| `trace.{field}" not in table]
    assert not missing


def test_the_backend_in_the_docs_has_every_name_that_is_asked_for():
    (code,) = (c for c in blocks("docs/backends.md", "{code-block} python") if "scan" in c)
    given = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            given.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            given.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            given.update(target.id for target in node.targets)
    asked = {name for name in vars(Backend) if not name.startswith("_")}
    assert "scan" in asked
    assert asked <= given


@pytest.mark.parametrize("page", ["README.md", "docs/backends.md"])
def test_every_backend_is_in_the_tables(page):
    rows = [line for line in read(page).splitlines() if line.startswith("| `")]
    for_users = [name for name in KNOWN if page != "README.md" or name != "strict"]
    assert [name for name in for_users if not any(f"| `{name}`" in row for row in rows)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page):
    links = re.findall(r"\]\((?!https:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_changelog_has_the_version():
    assert re.search(rf"\b{re.escape(bpx.__version__)}\b", read("CHANGELOG.md"))


@pytest.mark.parametrize("diff", blocks("CONTRIBUTING.md", "diff"))
def test_a_diff_that_is_shown_applies_to_the_files_as_they_are(diff):
    for part in re.split(r"^--- ", diff, flags=re.M)[1:]:
        before, after, *lines = part.splitlines()
        file = after.removeprefix("+++ b/")
        if before == "/dev/null":
            assert not (ROOT / file).exists()
            assert all(line.startswith("+") for line in lines)
            continue
        assert before == f"a/{file}"
        standing = [line[1:] for line in lines if line[:1] in ("-", " ")]
        assert standing
        assert set(standing) <= set(read(file).splitlines())
