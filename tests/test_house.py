"""The figures of the architecture, on small trees written for the purpose, and on bpx."""

import json
from pathlib import Path

import pytest

from tools.house import Deferred, LongFile, circles, faults, layers, main, measure, text
from tools.imports import find_imports, find_modules

ROOT = Path(__file__).parents[1]
PRINTED = """\
                              units  modules
in bpx/                           4        4
with backends/, benchmarks/       4        4
layers                            3        3
imports                           2        2
circles                           0        0

circles between units
  none

circles between modules
  none

deferred imports
  bpx/b.py:2  bpx.a

files over 300 lines
  none

layers of units, top first
   3  bpx.c
   2  bpx.b
   1  bpx, bpx.a
"""
PACKAGES = ("bpx", "bpx__data", "bpx__inspect", "backends__x", "backends__bpx_backends")


@pytest.fixture
def tree(tmp_path):
    def write(**files):
        for name, source in {"bpx": "", **files}.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            if name in PACKAGES:
                path = path.with_suffix("") / "__init__.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return tmp_path

    return write


def pairs(root):
    return {each.names for each in find_imports(find_modules(root))}


def test_a_chain_has_a_layer_for_each_unit(tree):
    root = tree(bpx__a="", bpx__b="import bpx.a", bpx__c="import bpx.b", bpx="import bpx.c")
    assert measure(root).units.layers == [["bpx"], ["bpx.c"], ["bpx.b"], ["bpx.a"]]


def test_the_longest_chain_counts():
    graph = {"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": {"a"}}
    assert layers(graph) == [["c"], ["b", "d"], ["a"]]


def test_a_circle_shares_a_layer():
    graph = {"a": set(), "b": {"c", "a"}, "c": {"b"}, "d": {"b"}}
    assert layers(graph) == [["d"], ["b", "c"], ["a"]]


def test_no_nodes_have_no_layers():
    assert layers({}) == circles({}) == []


def test_circles_that_do_not_touch_are_told_apart():
    graph = {"a": {"b"}, "b": {"a"}, "c": {"d", "b"}, "d": {"e"}, "e": {"c"}, "f": {"a", "c"}}
    assert circles(graph) == [["a", "b"], ["c", "d", "e"]]


def test_a_folder_is_one_unit(tree):
    root = tree(
        bpx__errors="",
        bpx__data="from bpx.data.files import read",
        bpx__data__files="from bpx.errors import BpxError",
        backends__x="",
        backends__x__y="from bpx.errors import BpxError",
        benchmarks__cases="from bpx.data import files",
    )
    units, modules = measure(root).units, measure(root).modules
    assert units.layers == [["benchmarks"], ["backends", "bpx.data"], ["bpx", "bpx.errors"]]
    assert (units.in_bpx, units.total, units.imports) == (3, 5, 3)
    assert (modules.in_bpx, modules.total, modules.imports) == (4, 7, 4)


def test_the_table_of_the_known_backends_is_a_unit_of_its_own(tree):
    root = tree(
        bpx__arrays="from bpx_backends import KNOWN",
        backends__bpx_backends="KNOWN = {}",
        backends__bpx_backends__engine="import bpx.arrays",
    )
    units = measure(root).units
    assert units.layers == [["backends"], ["bpx.arrays"], ["bpx", "bpx_backends"]]
    assert (units.circles, units.in_bpx, units.total) == ([], 2, 4)


def test_a_table_that_imports_bpx_closes_a_circle(tree):
    root = tree(
        bpx__arrays="from bpx_backends import KNOWN", backends__bpx_backends="import bpx.arrays"
    )
    assert measure(root).units.circles == [["bpx.arrays", "bpx_backends"]]


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("from bpx import a", {"bpx.a"}),
        ("from bpx import a as b, __version__", {"bpx.a", "bpx"}),
        ("from bpx import *", {"bpx"}),
        ("import bpx", {"bpx"}),
        ("import bpx.data.files", {"bpx.data.files"}),
        ("from bpx.data import files", {"bpx.data.files"}),
        ("from bpx.data import read", {"bpx.data"}),
        ("from bpx.a import a", {"bpx.a"}),
        ("from x.y import z", {"x.y"}),
        ("import bpx_other, numpy, a, data", set()),
        ("from importlib import import_module\nimport_module('bpx.a')", set()),
        ("'''import bpx.a'''  # import bpx.a", set()),
    ],
)
def test_what_is_imported(tree, source, imported):
    files = {"bpx__a": "", "bpx__data": "", "bpx__data__files": "", "backends__x__y": ""}
    root = tree(**files, bpx__it=source)
    assert pairs(root) == {("bpx.it", name) for name in imported}


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("from . import files", {"bpx.data.files"}),
        ("from . import read", {"bpx.data"}),
        ("from .files import read", {"bpx.data.files"}),
        ("from .. import a, b", {"bpx.a", "bpx"}),
        ("from ..a import b", {"bpx.a"}),
    ],
)
def test_a_relative_import_is_found(tree, source, imported):
    root = tree(bpx__a="", bpx__data="", bpx__data__files="", bpx__data__it=source)
    assert pairs(root) == {("bpx.data.it", name) for name in imported}


def test_a_relative_import_of_a_package_begins_in_it(tree):
    root = tree(
        bpx__a="", bpx__data="from . import files\nfrom .. import a", bpx__data__files=""
    )
    assert pairs(root) == {("bpx.data", "bpx.data.files"), ("bpx.data", "bpx.a")}


def test_the_init_around_a_module_is_not_counted(tree):
    root = tree(bpx="from bpx.data import files", bpx__data="", bpx__data__files="")
    assert pairs(root) == {("bpx", "bpx.data.files")}
    assert measure(root).modules.circles == []


@pytest.mark.parametrize(
    ("source", "deferred"),
    [
        ("import bpx.a", False),
        ("class A:\n    import bpx.a", False),
        ("try:\n    import bpx.a\nexcept ImportError:\n    pass", False),
        ("if x:\n    import bpx.a", False),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import bpx.a", False),
        ("if not TYPE_CHECKING:\n    import bpx.a", False),
        ("if TYPE_CHECKING:\n    import bpx.a", True),
        ("if typing.TYPE_CHECKING:\n    import bpx.a", True),
        ("def f():\n    import bpx.a", True),
        ("async def f():\n    import bpx.a", True),
        ("class A:\n    def f(self):\n        if x:\n            import bpx.a", True),
    ],
)
def test_which_imports_are_deferred(tree, source, deferred):
    root = tree(bpx__a="", bpx__b=source)
    assert [each.deferred for each in find_imports(find_modules(root))] == [deferred]


def test_a_deferred_import_counts_and_hides_a_circle(tree):
    root = tree(
        bpx__a="def f():\n    from bpx.b import g",
        bpx__b="from bpx.c import g",
        bpx__c="import bpx.a",
    )
    found = measure(root)
    assert found.deferred == [Deferred("bpx/a.py", 2, "bpx.b", True)]
    assert found.units.circles == found.modules.circles == [["bpx.a", "bpx.b", "bpx.c"]]


def test_a_deferred_import_of_what_lies_below_hides_nothing(tree):
    root = tree(bpx__a="", bpx__b="def f():\n    from bpx.a import g, h")
    assert measure(root).deferred == [Deferred("bpx/b.py", 2, "bpx.a", False)]


def test_a_circle_that_is_there_at_once_is_not_hidden(tree):
    root = tree(bpx__a="import bpx.b\ndef f():\n    import bpx.b", bpx__b="import bpx.a")
    assert measure(root).deferred == [Deferred("bpx/a.py", 3, "bpx.b", False)]
    assert measure(root).modules.circles == [["bpx.a", "bpx.b"]]


def test_units_may_be_in_a_circle_whose_modules_are_not(tree):
    root = tree(bpx__data__a="", bpx__b="import bpx.data.a", bpx__data__c="import bpx.b")
    assert measure(root).units.circles == [["bpx.b", "bpx.data"]]
    assert measure(root).modules.circles == []


def test_files_over_300_lines_are_found_but_in_benchmarks(tree):
    root = tree(
        bpx__a="\n" * 300,
        bpx__b="\n" * 301,
        backends__x__y="\n" * 399 + "x = 1",
        benchmarks__z="\n" * 500,
    )
    assert measure(root).long_files == [
        LongFile("backends/x/y.py", 400),
        LongFile("bpx/b.py", 301),
    ]


def test_the_figures_are_printed(tree, capsys):
    root = tree(bpx__a="", bpx__b="def f():\n    import bpx.a", bpx__c="import bpx.b")
    assert main(["--root", str(root)]) == 0
    assert capsys.readouterr().out == PRINTED


def test_the_figures_as_json(tree, capsys):
    root = tree(bpx__a="", bpx__b="import bpx.a")
    assert main(["--root", str(root), "--json"]) == 0
    level = {
        "in_bpx": 3,
        "total": 3,
        "imports": 1,
        "circles": [],
        "layers": [["bpx.b"], ["bpx", "bpx.a"]],
    }
    assert json.loads(capsys.readouterr().out) == {
        "units": level,
        "modules": level,
        "deferred": [],
        "long_files": [],
    }


def test_the_check_passes_a_tree_in_order(tree, capsys):
    root = tree(bpx__a="", bpx__b="def f():\n    import bpx.a")
    assert main(["--root", str(root), "--check"]) == 0
    assert capsys.readouterr().err == ""


def test_the_check_says_what_is_wrong(tree, capsys):
    root = tree(bpx__a="def f():\n    import bpx.b", bpx__b="import bpx.a" + "\n" * 301)
    assert main(["--root", str(root), "--check", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        "circle between units: bpx.a ↔ bpx.b",
        "circle between modules: bpx.a ↔ bpx.b",
        "bpx/a.py:2: the deferred import of bpx.b hides a circle",
        "bpx/b.py: 301 lines; at most 300 allowed",
    ]
    assert json.loads(printed.out)["units"]["circles"] == [["bpx.a", "bpx.b"]]


@pytest.mark.parametrize(
    "files",
    [
        {"bpx__data__a": "", "bpx__b": "import bpx.data.a", "bpx__data__c": "import bpx.b"},
        {"bpx__data__a": "import bpx.data.b", "bpx__data__b": "import bpx.data.a"},
        {"backends__x__y": "\n" * 301},
    ],
    ids=["circle of units", "circle of modules", "long file"],
)
def test_each_fault_alone_fails_the_check(tree, files):
    root = tree(**files)
    assert len(faults(measure(root))) == 1
    assert main(["--root", str(root), "--check"]) == 1
    assert main(["--root", str(root)]) == 0


def test_a_hidden_circle_is_marked_in_the_text(tree):
    root = tree(bpx__a="def f():\n    import bpx.b", bpx__b="import bpx.a")
    assert "  bpx/a.py:2  bpx.b (hides a circle)\n" in text(measure(root))


def test_a_folder_without_bpx_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["--root", str(tmp_path)])
    assert refused.value.code == 2
    assert "has no folder bpx/" in capsys.readouterr().err


# The source that these tests are part of


@pytest.fixture(scope="module")
def house():
    if not all((ROOT / folder).is_dir() for folder in ("bpx", "backends/bpx_backends")):
        pytest.skip("the source is not beside its tests: this is no checkout")
    return measure(ROOT)


def test_the_real_tree_has_no_circle_of_modules(house):
    assert house.modules.circles == []


def test_the_real_tree_has_no_circle_of_units(house):
    assert house.units.circles == []


def test_the_real_tree_has_no_deferred_import_that_hides_a_circle(house):
    assert [each for each in house.deferred if each.hides_a_circle] == []


def test_the_real_tree_has_no_long_file(house):
    assert house.long_files == []
