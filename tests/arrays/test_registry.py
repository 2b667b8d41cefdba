"""Finding backends, recognising arrays, and a backend from another package."""

import sys
import types

import numpy as np
import pytest

import bpx
from bpx.arrays import registry as backend
from bpx.arrays.registry import backend_of, by_name, namespace
from tests.backends import host


def test_arrays_are_recognised(target):
    x = target.asarray([1.0])
    assert backend_of(x) is by_name(target.spec.split(":")[0])
    assert namespace(x) is backend_of(x).xp


@pytest.mark.parametrize("x", [[1.0], 1.0, "x", None])
def test_what_is_no_array_is_not(x):
    assert backend_of(x) is None
    with pytest.raises(bpx.BackendError, match=r"bpx\.asarray"):
        namespace(x)


def test_a_foreign_array_of_the_standard_is_taken_at_its_word():
    class Foreign:
        def __array_namespace__(self):
            return types

    assert namespace(Foreign()) is types


@pytest.fixture
def third_party(monkeypatch):
    """A backend of another package: NumPy under a new name."""
    numpy = by_name("numpy")

    class Mine(np.ndarray):
        pass

    module = types.SimpleNamespace(**{n: getattr(numpy, n) for n in vars(numpy) if n[0] != "_"})
    module.name = "mine"
    module.is_array = lambda x: type(x) is Mine
    module.asarray = lambda x, dtype, device: np.array(x, dtype=dtype).view(Mine)
    entry = types.SimpleNamespace(name="mine", load=lambda: module)
    monkeypatch.setattr(backend, "_entry_points", lambda: {"mine": entry})
    monkeypatch.setattr(backend, "KNOWN", {**backend.KNOWN})
    yield module
    backend._loaded.pop("mine", None)


def test_another_packages_backend_is_found_by_name(third_party):
    net = bpx.Network([3, 4, 2], backend="mine", seed=0)
    assert str(net.home) == "mine"
    assert type(net.weights[0]).__name__ == "Mine"
    x = np.random.default_rng(0).random((10, 3))
    net.fit(x, [0, 1] * 5, epochs=1, batch_size=5, optimizer=bpx.SGD(1.0), seed=0)
    assert "mine" in {info.name for info in bpx.backends()}


def test_the_entry_point_group_is_read(monkeypatch, tmp_path):
    package = tmp_path / "bpx_other-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: bpx-other\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[bpx.backends]\nother = bpx_other\n")
    module = "from bpx_backends._numpy import *\nname = 'other'\n"
    (tmp_path / "bpx_other.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert "other" in backend.known()
        assert bpx.Network([2, 2], backend="other", seed=0).home.backend.name == "other"
    finally:
        backend._loaded.pop("other", None)
        sys.modules.pop("bpx_other", None)


def test_a_broken_library_says_what_its_import_said(monkeypatch, tmp_path):
    (tmp_path / "broken_lib.py").write_text("raise ImportError('libmissing.so is not there')\n")
    monkeypatch.syspath_prepend(tmp_path)
    known = backend.KNOWN["cupy"]._replace(package="broken_lib")
    monkeypatch.setitem(backend.KNOWN, "broken", known)
    with pytest.raises(bpx.BackendError, match=r"libmissing\.so"):
        by_name("broken")


def test_a_function_is_compiled_where_the_library_has_a_compiler(target):
    x, counter = target.asarray([[1.0, 2.0]], "float32"), Counter()
    for _ in range(2):
        run = backend.compiled(summed, 1, x)
        assert host(run(counter, (x, x))).tolist() == [[2.0, 4.0]]
    assert counter.runs == (1 if target.spec.startswith("jax") else 2)


class Counter:
    runs = 0


def summed(counter, both):
    x, y = both
    counter.runs += 1
    return x + y


def test_a_function_that_asks_for_a_number_runs_as_it_is(target):
    x = target.asarray([[1.0, 2.0]], "float32")
    run = backend.compiled(positive, 0, x)
    assert host(run(x)).tolist() == [[1.0, 2.0]]
    assert host(run(-x)).tolist() == [[1.0, 2.0]]


def positive(x):
    return x if float(x[0, 0]) > 0.0 else -x


def test_a_library_that_breaks_in_any_way_says_how(monkeypatch, tmp_path):
    (tmp_path / "broken_lib.py").write_text("raise OSError('libcudart.so: cannot open')\n")
    monkeypatch.syspath_prepend(tmp_path)
    known = backend.KNOWN["cupy"]._replace(package="broken_lib")
    monkeypatch.setitem(backend.KNOWN, "broken", known)
    listed = {info.name: info for info in bpx.backends()}
    assert "libcudart.so" in listed["broken"].problem


def test_a_library_that_breaks_does_not_stop_the_others(monkeypatch):
    known = backend.KNOWN["cupy"]._replace(package="broken_lib")
    monkeypatch.setitem(backend.KNOWN, "broken", known)
    broken = types.ModuleType("broken_lib")
    broken.__spec__ = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "broken_lib", broken)
    assert backend_of([1.0]) is None


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder of a library's name where Python looks; the library is not installed."""
    folder = tmp_path / "library_in_name_only"
    folder.mkdir()
    (folder / "script.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    known = backend.KNOWN["cupy"]._replace(package=folder.name)
    monkeypatch.setitem(backend.KNOWN, "cupy", known)
    monkeypatch.delitem(backend._loaded, "cupy", raising=False)
    return folder


def test_a_folder_is_not_taken_for_the_library_of_its_name(folder):
    assert "cupy" not in backend.installed()
    with pytest.raises(bpx.BackendError) as caught:
        bpx.Network([2, 2], backend="cupy")
    said = str(caught.value)
    assert f"not installed (the folder {folder} has no __init__.py)" in said
    assert backend.KNOWN["cupy"].install in said
    assert {info.name: info.problem for info in bpx.backends()}["cupy"] == said
    assert folder.name not in sys.modules
    assert str(bpx.Network([2, 2], backend="auto", seed=0).home) != "cupy"


def test_a_folder_with_code_of_its_own_is_a_library(folder):
    (folder / "__init__.py").write_text("")
    assert "cupy" in backend.installed()


def test_a_library_that_was_blocked_is_no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert bpx.Network([2, 2], seed=0).predict([[0.0, 1.0]]).shape == (1, 2)


def test_what_breaks_keeps_its_type_and_is_chained(monkeypatch, tmp_path):
    (tmp_path / "broken_lib.py").write_text("import sys\nsys.no_such_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    known = backend.KNOWN["cupy"]._replace(package="broken_lib")
    monkeypatch.setitem(backend.KNOWN, "broken", known)
    with pytest.raises(bpx.BackendError, match=r"AttributeError: .*no_such_name") as raised:
        by_name("broken")
    assert isinstance(raised.value.__cause__, AttributeError)


def test_running_out_of_memory_is_no_broken_library(monkeypatch):
    def full(name):
        raise MemoryError

    monkeypatch.setattr(backend, "_import", full)
    monkeypatch.setitem(backend.KNOWN, "large", backend.KNOWN["cupy"])
    with pytest.raises(MemoryError):
        by_name("large")


def test_what_is_traced_is_told_apart():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    x, seen = jax.numpy.ones((2, 2)), []
    jax.jit(lambda x: seen.append(backend.is_traced(x)) or x)(x)
    assert seen == [True]
    assert not backend.is_traced(x)
    assert not backend.is_traced(np.ones(2))
    assert not backend.is_traced([1.0])
