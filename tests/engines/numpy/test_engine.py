"""Which engine NumPy's steps run on, its threads, and where compiled kernels are kept."""

import logging
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import bpx
from bpx_backends.engines.numpy import engine as numpy_engine
from bpx_backends.engines.numpy import threads

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")

TRAIN = """
import bpx, numpy as np, sys
net = bpx.Network([3, 4, 2], seed=0, backend="numpy")
x, y = np.ones((8, 3)), np.arange(8) % 2
net.fit(x, y, epochs=1, batch_size=2, optimizer=bpx.SGD(1.0), seed=0)
print(float(net.weights[0].sum()), "numba" in sys.modules)
"""


def train(**environment):
    """In a process of its own: what it says."""
    path = os.pathsep.join(sys.path)
    ran = subprocess.run(
        [sys.executable, "-c", TRAIN],
        env={**os.environ, "PYTHONPATH": path, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    value, used = ran.stdout.split()
    return float(value), used == "True"


def fit():
    net = bpx.Network([3, 4, 2], seed=0)
    net.fit(np.ones((8, 3)), np.arange(8) % 2, epochs=1, batch_size=2, optimizer=bpx.SGD(1.0))


def test_an_unknown_wish_is_an_error_that_names_the_variable(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "perhaps")
    with pytest.raises(bpx.BackendError, match=r"BPX_NUMBA is 'perhaps'; expected on, off"):
        fit()


def test_numba_that_is_wished_for_and_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "on")
    monkeypatch.setattr(numpy_engine, "find_spec", lambda name: None)
    with pytest.raises(bpx.BackendError, match=r"pip install 'backpropx\[fast\]'"):
        fit()


def test_numba_that_is_not_there_is_not_missed(monkeypatch):
    monkeypatch.delenv("BPX_NUMBA")
    monkeypatch.setattr(numpy_engine, "find_spec", lambda name: None)
    fit()
    assert "numba is not installed" in numpy_engine.engine()


def test_the_engine_says_what_it_is_made_of(monkeypatch):
    assert "numba is off (BPX_NUMBA)" in numpy_engine.engine() or find_spec("numba") is None
    if find_spec("numba"):
        monkeypatch.setenv("BPX_NUMBA", "on")
        assert "kernels by numba" in numpy_engine.engine()


def test_a_numba_that_cannot_be_imported_is_told_of_and_left_aside(monkeypatch, caplog):
    monkeypatch.setenv("BPX_NUMBA", "on")
    monkeypatch.setattr(numpy_engine, "find_spec", lambda name: object())
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


@needs_numba
def test_the_next_process_finds_the_kernels_compiled(tmp_path):
    first, _ = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    kept = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "kernels").rglob("*.nb*")}
    assert kept
    again, _ = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    assert {f.name: f.stat().st_mtime_ns for f in (tmp_path / "kernels").rglob("*.nb*")} == kept
    assert again == first


@needs_numba
def test_without_a_place_for_the_kernels_they_are_compiled_in_memory(tmp_path):
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    assert train(BPX_NUMBA="on", BPX_CACHE=str(no_folder))[0] == pytest.approx(
        train(BPX_NUMBA="off")[0], rel=1e-6
    )


@needs_numba
def test_a_kernel_file_that_was_changed_is_written_again(tmp_path):
    expected, _ = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    for file in (tmp_path / "kernels").glob("*.py"):
        file.write_text(file.read_text().replace("*", "+"))
    assert train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))[0] == expected


@needs_numba
def test_a_damaged_file_of_numbas_is_told_of_and_replaced(tmp_path):
    expected, _ = train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))
    for file in (tmp_path / "kernels").rglob("*.nb*"):
        file.write_bytes(file.read_bytes()[:50] if file.suffix == ".nbc" else b"")
    for _ in range(2):
        assert train(BPX_NUMBA="on", BPX_CACHE=str(tmp_path))[0] == expected
    kept = list((tmp_path / "kernels").rglob("*.nbc"))
    assert kept
    assert all(len(file.read_bytes()) > 50 for file in kept)


@pytest.mark.parametrize(
    ("word", "wish"),
    [pytest.param("1", True, marks=needs_numba), ("False", False), ("auto", None)],
)
def test_other_words_for_the_same_wish(monkeypatch, word, wish):
    monkeypatch.setenv("BPX_NUMBA", word)
    assert numpy_engine._wants_numba() == (find_spec("numba") is not None and wish is not False)


def test_as_many_threads_as_the_products_use(monkeypatch):
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        assert threads.threads() == 1
    assert threads.threads() >= 1


def test_without_threadpoolctl_the_variables_say_how_many(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    free = threads.threads()
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert threads.threads() == 1 <= free
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "many")
    assert threads.threads() == free
