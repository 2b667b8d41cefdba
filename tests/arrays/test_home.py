"""Homes: devices that are there and not, `auto`, what a machine has."""

import logging

import pytest

import bpx
from bpx.arrays import home as selection
from bpx.arrays.home import select
from tests.backends import problem


def test_a_missing_library_names_its_command(monkeypatch):
    from bpx.arrays import registry as backend

    known = backend.KNOWN["cupy"]._replace(package="absent_lib")
    monkeypatch.setitem(backend.KNOWN, "absent", known)
    with pytest.raises(bpx.BackendError, match="install it with: pip install "):
        bpx.Network([2, 2], backend="absent")


def test_a_device_that_is_not_there_gives_the_drivers_words():
    if problem("torch:cpu"):
        pytest.skip(problem("torch:cpu"))
    if not problem("torch:cuda"):
        pytest.skip("there is a CUDA device")
    with pytest.raises(bpx.BackendError, match=r"CUDA|NVIDIA"):
        bpx.Network([2, 2], backend="torch:cuda")


def test_auto_takes_the_first_that_computes_and_says_so(monkeypatch, caplog):
    order = ("absent", "strict:device9", "strict:device1", "numpy")
    monkeypatch.setattr(selection, "AUTO", order)
    with caplog.at_level(logging.INFO, logger="bpx"):
        home = select("auto")
    assert str(home) == "strict:device1"
    assert "auto: not strict:device9" in caplog.text
    assert "auto: took strict:device1" in caplog.text


def test_auto_trusts_the_device_and_not_the_import(monkeypatch):
    from bpx.arrays.registry import by_name

    strict = by_name("strict")
    monkeypatch.setattr(selection, "AUTO", ("strict", "numpy"))
    monkeypatch.setattr(strict, "asarray", lambda *_: 1 / 0)
    assert str(select("auto")) == "numpy"


def test_auto_comes_to_something_on_any_machine():
    assert bpx.Network([2, 2], backend="auto", seed=0).predict([[0.0, 1.0]]).shape == (1, 2)


def test_only_auto_falls_back(monkeypatch):
    monkeypatch.setenv("BPX_BACKEND", "strict:device9")
    with pytest.raises(bpx.BackendError):
        bpx.Network([2, 2])


def test_backends_lists_all_with_a_reason():
    listed = {info.name: info for info in bpx.backends()}
    assert {"numpy", "cupy", "torch", "jax", "strict"} <= set(listed)
    assert listed["numpy"].devices == ("cpu",)
    assert listed["numpy"].problem is None
    for info in listed.values():
        assert bool(info.devices) != bool(info.problem)


def test_equal_homes_have_equal_hashes():
    bare, named = select("numpy"), select("numpy:cpu")
    assert bare == named
    assert hash(bare) == hash(named)
    assert bare != select("numpy", "float64") != select("strict", "float64")


def broken(monkeypatch, name, error):
    """The strict backend, with a function that raises."""
    from bpx.arrays.registry import by_name

    def fails(*_):
        raise error

    monkeypatch.setattr(by_name("strict"), name, fails)


@pytest.mark.parametrize("name", ["device", "check_dtype"])
@pytest.mark.parametrize("error", [AttributeError("no attribute 'gpu'"), KeyError("cuda")])
def test_a_fault_of_a_backend_is_no_missing_device(monkeypatch, name, error):
    broken(monkeypatch, name, error)
    with pytest.raises(bpx.BackendError, match=f"with {type(error).__name__}: ") as raised:
        select("strict")
    assert str(error) in str(raised.value)
    assert "cannot use" not in str(raised.value)
    assert raised.value.__cause__ is error


def test_what_no_device_can_cause_goes_on_as_it_is(monkeypatch):
    for name in ("device", "check_dtype"):
        for error in (MemoryError("all of it"), KeyboardInterrupt()):
            with monkeypatch.context() as patched:
                broken(patched, name, error)
                with pytest.raises(type(error)) as raised:
                    select("strict")
                assert raised.value is error


def test_a_missing_device_says_what_is_usable(monkeypatch):
    broken(monkeypatch, "device", RuntimeError("no driver"))
    with pytest.raises(
        bpx.BackendError, match=r"cannot use any device \(RuntimeError: no dr"
    ) as e:
        select("strict")
    assert "usable here: strict:" in str(e.value)


def test_a_list_of_backends_names_a_fault_as_one(monkeypatch):
    broken(monkeypatch, "devices", AttributeError("no attribute 'gpu'"))
    listed = {info.name: info for info in bpx.backends()}
    assert "AttributeError: no attribute 'gpu'; this is a fault" in listed["strict"].problem


def test_a_training_gets_a_session_of_its_own_if_there_are_any(monkeypatch):
    home = select("numpy")
    monkeypatch.setattr(home.backend, "session", object)
    assert type(home.scan()) is object
    assert home.scan() is not home.scan()
    monkeypatch.delattr(home.backend, "session")
    assert home.scan() is home.backend.scan
