"""Which engine NumPy's steps run on."""

import logging
import sys
import types
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

import numpy as np
import pytest

import bpx
from bpx_backends.engines.numpy import engine as numpy_engine
from tests.engines.numpy.processes import needs_numba, train


def fit():
    net = bpx.Network([3, 4, 2], seed=0)
    net.fit(np.ones((8, 3)), np.arange(8) % 2, epochs=1, batch_size=2, optimizer=bpx.SGD(1.0))


def test_an_unknown_wish_is_an_error_that_names_the_variable(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "perhaps")
    with pytest.raises(bpx.BackendError, match=r"BPX_NUMBA is 'perhaps'; expected on, off"):
        fit()


def test_numba_that_is_wished_for_and_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "on")
    monkeypatch.setattr(numpy_engine, "is_installed", lambda name: False)
    with pytest.raises(bpx.BackendError, match=r"pip install numba threadpoolctl"):
        fit()


def test_numba_that_is_not_there_is_not_missed(monkeypatch):
    monkeypatch.delenv("BPX_NUMBA")
    monkeypatch.setattr(numpy_engine, "is_installed", lambda name: False)
    fit()
    assert "numba is not installed" in numpy_engine.engine()


def test_a_folder_called_numba_is_not_taken_for_it(monkeypatch, tmp_path):
    folder = types.ModuleType("numba")
    folder.__spec__ = ModuleSpec("numba", None, is_package=True)  # as Python makes it
    folder.__spec__.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "numba", folder)
    monkeypatch.delenv("BPX_NUMBA")
    fit()
    assert "numba is not installed" in numpy_engine.engine()


def test_the_engine_says_what_it_is_made_of(monkeypatch):
    assert "numba is off (BPX_NUMBA)" in numpy_engine.engine() or find_spec("numba") is None
    if find_spec("numba"):
        monkeypatch.setenv("BPX_NUMBA", "on")
        assert "kernels by numba" in numpy_engine.engine()


def test_a_numba_that_cannot_be_imported_is_told_of_and_left_aside(monkeypatch, caplog):
    monkeypatch.setenv("BPX_NUMBA", "on")
    monkeypatch.setattr(numpy_engine, "is_installed", lambda name: True)
    monkeypatch.setitem(sys.modules, "numba", None)
    numpy_engine._with_numba.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, "bpx"):
            fit()
    finally:
        numpy_engine._with_numba.cache_clear()
    assert "numba cannot be imported" in caplog.text


@needs_numba
def test_numba_is_imported_only_where_it_is_used(tmp_path):
    with_numba, used = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    without, unused = train(BPX_NUMBA="off")
    assert (used, unused) == (True, False)
    assert with_numba == pytest.approx(without, rel=1e-6)


@pytest.mark.parametrize(
    ("word", "wish"),
    [pytest.param("1", True, marks=needs_numba), ("False", False), ("auto", None)],
)
def test_other_words_for_the_same_wish(monkeypatch, word, wish):
    monkeypatch.setenv("BPX_NUMBA", word)
    assert numpy_engine._wants_numba() == (find_spec("numba") is not None and wish is not False)


def test_a_wrong_word_is_what_is_said_of_the_backend(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "perhaps")
    (found,) = (info for info in bpx.backends() if info.name == "numpy")
    assert found.problem.startswith("the environment variable BPX_NUMBA is 'perhaps'")


@needs_numba
@pytest.mark.parametrize(("word", "said"), [("on", False), ("auto", True)])
def test_the_engine_says_what_short_trainings_run_on(word, said, monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", word)
    monkeypatch.setattr(numpy_engine, "_refused", [])
    assert ("short trainings by NumPy's functions" in numpy_engine.engine()) == said
