"""Packages whose parts are imported when they are first asked for: a small one, and bpx's."""

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest

import bpx

PACKAGE = "from bpx import _lazy\n__getattr__, __dir__ = _lazy."
SMALL = {
    "__init__": PACKAGE + "names_of(__name__, 'small.names')",
    "names": "from time import sleep\nsleep(0.1)\nfrom small.part import thing\n"
    "__all__ = ['thing']",
    "part": "thing = object()",
}
PARTS = {
    "__init__": PACKAGE + "submodules(__name__, ('part', 'broken'))",
    "part": "",
    "broken": "import there_is_no_such_module",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name, files):
        (tmp_path / name).mkdir()
        for each, source in files.items():
            (tmp_path / name / f"{each}.py").write_text(source, encoding="utf-8")
        made.append(name)
        return import_module(name)

    yield make
    for module in [name for name in sys.modules if name.split(".")[0] in made]:
        del sys.modules[module]


def test_the_names_are_imported_with_the_first_of_them(package):
    small = package("small", SMALL)
    assert "small.names" not in sys.modules
    thing = small.thing
    assert "small.names" in sys.modules
    assert thing is sys.modules["small.part"].thing
    assert vars(small)["thing"] is thing  # the next time nobody is asked


def test_a_submodule_that_the_names_come_from_is_found_at_once(package):
    small = package("small", SMALL)
    assert small.part is sys.modules["small.part"]


def test_a_submodule_is_imported_with_its_name(package):
    parts = package("parts", PARTS)
    assert "parts.part" not in sys.modules
    assert parts.part is sys.modules["parts.part"]


def test_dir_lists_them_before(package):
    assert {"part", "broken", "__file__"} <= set(dir(package("parts", PARTS)))
    assert {"thing", "__file__"} <= set(dir(package("small", SMALL)))


def test_all_of_them_can_be_imported_at_once(package):
    small, names = package("small", SMALL), {}
    exec("from small import *", names)
    assert names.keys() - {"__builtins__"} == {"thing"}
    assert small.__all__ == ["thing"]


@pytest.mark.parametrize(("name", "files"), [("small", SMALL), ("parts", PARTS)])
def test_what_there_is_not_is_missing_as_usual(package, name, files):
    found = package(name, files)
    with pytest.raises(AttributeError) as caught:
        _ = found.other
    assert str(caught.value) == f"module '{name}' has no attribute 'other'"
    assert (caught.value.name, caught.value.obj) == ("other", found)  # for "Did you mean"
    with pytest.raises(ImportError, match=f"cannot import name 'other' from '{name}'"):
        exec(f"from {name} import other")


def test_a_part_that_cannot_be_imported_says_why(package):
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"):
        _ = package("parts", PARTS).broken


def test_a_name_with_an_underscore_imports_nothing(package):
    assert not hasattr(package("small", SMALL), "__wrapped__")
    assert "small.names" not in sys.modules


def test_what_was_put_in_its_place_stays(package):
    small = package("small", SMALL)
    small.thing = "another"
    assert (small.thing, small.__all__) == ("another", ["thing"])


def test_threads_that_ask_at_once_get_the_same(package):
    small = package("small", SMALL)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: small.thing, range(8)))
    assert {id(each) for each in found} == {id(small.thing)}


@pytest.mark.parametrize("room", [bpx, bpx.inspect, bpx.privacy], ids=lambda r: r.__name__)
def test_the_public_names_are_there_and_listed(room):
    assert [name for name in room.__all__ if not hasattr(room, name)] == []
    assert sorted(set(room.__all__) - set(dir(room))) == []
