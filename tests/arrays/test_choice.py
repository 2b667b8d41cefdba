"""Choosing a backend and a dtype: precedence, spelling, errors."""

import threading

import pytest

import bpx
from bpx.arrays.home import select


@pytest.fixture(autouse=True)
def _default():
    yield
    bpx.set_default()


def test_without_a_choice_it_is_numpy_in_float32():
    home = select()
    assert (str(home), home.dtype) == ("numpy", "float32")


def test_precedence(monkeypatch):
    seen = []
    monkeypatch.setenv("BPX_BACKEND", "strict:device1")
    seen.append(str(select()))
    bpx.set_default("strict:device2")
    seen.append(str(select()))
    with bpx.use("strict"):
        seen.append(str(select()))
        seen.append(str(select("numpy")))
    seen.append(str(select()))
    bpx.set_default()
    seen.append(str(select()))
    one, two = "strict:device1", "strict:device2"
    assert seen == [one, two, "strict", "numpy", two, one]


def test_the_dtype_has_the_same_precedence(monkeypatch):
    monkeypatch.setenv("BPX_DTYPE", "float64")
    assert select().dtype == "float64"
    with bpx.use(dtype="float32"):
        assert select().dtype == "float32"
        assert select(dtype="float64").dtype == "float64"
        with bpx.use("strict"):  # an inner choice of one leaves the other
            assert (str(select()), select().dtype) == ("strict", "float32")


def test_an_empty_variable_is_unset(monkeypatch):
    monkeypatch.setenv("BPX_BACKEND", "")
    monkeypatch.setenv("BPX_DTYPE", "")
    assert str(select()) == "numpy"


def test_the_variable_is_read_when_a_network_is_made(monkeypatch):
    first = bpx.Network([2, 2], seed=0)
    monkeypatch.setenv("BPX_BACKEND", "strict")
    second = bpx.Network([2, 2], seed=0)
    assert (str(first.home), str(second.home)) == ("numpy", "strict")


def test_use_is_this_threads_and_the_default_is_everybodys():
    seen = []

    def look():
        seen.append(str(select()))

    with bpx.use("strict"):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    bpx.set_default("strict:device1")
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == ["numpy", "strict:device1"]


def test_use_ends_with_an_error_inside():
    with pytest.raises(KeyError), bpx.use("strict"):
        raise KeyError
    assert str(select()) == "numpy"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nunpy", "did you mean 'numpy'"),
        ("tensorflow", "known: numpy, cupy, torch, jax, strict"),
        ("cuda", "torch:cuda"),
        ("NumPy", "lower case"),
        ("os.path", "lower case"),
        ("../numpy", "lower case"),
        (":0", "lower case"),
        ("auto:0", "auto finds the device itself"),
        ("numpy:gpu", "usable here: numpy:cpu"),
        ("strict:device9", "usable here: strict:CPU_DEVICE"),
    ],
)
def test_a_wrong_name_says_what_is_right(spec, said):
    with pytest.raises(bpx.BackendError, match=said):
        bpx.Network([2, 2], backend=spec)


@pytest.mark.parametrize("choose", [bpx.set_default, lambda s: bpx.use(s).__enter__()])
def test_a_wrong_name_is_refused_where_it_is_chosen(choose):
    with pytest.raises(bpx.BackendError, match="did you mean 'jax'"):
        choose("jaxx")
    assert str(select()) == "numpy"


def test_a_dtype_of_16_bits_is_refused_with_the_way_to_compute_in_it():
    with pytest.raises(bpx.InputError, match=r"mean 'float32'.*train with precision='float16'"):
        bpx.Network([2, 2], dtype="float16")


def test_an_unknown_dtype_is_refused():
    with pytest.raises(bpx.InputError, match="did you mean 'float32'"):
        bpx.Network([2, 2], dtype="float23")


@pytest.mark.parametrize(
    ("variable", "value"), [("BPX_BACKEND", "cuppy"), ("BPX_DTYPE", "float16")]
)
def test_a_wrong_variable_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(bpx.BpxError, match=rf"environment variable {variable}: .*{value}"):
        bpx.Network([2, 2])
