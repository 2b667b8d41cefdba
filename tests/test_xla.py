"""That compiled programs are kept between tests, and not for ever."""

import os
import sys
from pathlib import Path

import pytest

from tests import xla


def test_jax_keeps_what_it_compiles():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    if xla.FOLDER not in os.environ:
        pytest.skip("the folder for caches cannot be written")

    def kept(x):
        return x * (0.5 + os.getpid())  # a program that no earlier run compiled

    here = Path(os.environ[xla.FOLDER])
    before = set(here.glob("jit_kept-*"))
    jax.jit(kept)(1.0)
    assert set(here.glob("jit_kept-*")) - before


@pytest.mark.parametrize(("most", "left"), [(-1, 0), (10**9, 1)])
def test_programs_are_freed_when_they_are_many(most, left):
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    twice = jax.jit(lambda x: x + x)
    twice(1.0)
    xla.forget(most)
    assert twice._cache_size() == left
    assert twice(1.0) == 2.0


def test_mappings_are_counted():
    if not Path("/proc/self/maps").exists():
        pytest.skip("the system does not tell a process's memory mappings")
    assert xla._mappings() > 10


def test_nothing_is_imported_to_free_programs(monkeypatch):
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    xla.forget()
    assert "jax" not in sys.modules


@pytest.fixture
def _unnamed(monkeypatch):
    monkeypatch.setenv(xla.FOLDER, "")  # so that it is as before when the test ends
    monkeypatch.delenv(xla.FOLDER)


def test_a_folder_of_ones_own_is_taken(monkeypatch):
    monkeypatch.setenv(xla.FOLDER, "/mine")
    xla.keep_programs()
    assert os.environ[xla.FOLDER] == "/mine"


@pytest.mark.usefixtures("_unnamed")
def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_bytes(b"")
    monkeypatch.setenv("BPX_CACHE", str(file))
    xla.keep_programs()
    assert xla.FOLDER not in os.environ
    xla.prune()


@pytest.mark.usefixtures("_unnamed")
def test_the_oldest_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("BPX_CACHE", str(tmp_path))
    xla.keep_programs()
    for i in range(5):
        path = xla.folder() / f"{i}-cache"
        path.write_bytes(bytes(10))
        os.utime(path, (100 - i, 100 - i))
    xla.prune(25)
    assert {path.name for path in xla.folder().iterdir()} == {"0-cache", "1-cache"}
    xla.prune(25)
    assert len(list(xla.folder().iterdir())) == 2
