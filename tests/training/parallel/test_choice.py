"""Which ranks train together: an argument, or a variable; and what is said of a wrong one."""

import logging
from dataclasses import replace

import pytest

import bpx
from bpx.arrays.home import select
from bpx.errors import BackendError, InputError
from bpx.training.parallel import choice
from bpx.training.parallel.failing import is_everywhere
from bpx_backends.ranks.launched import Launched
from tests.ranks import communicators

HOME = bpx.Network([2, 1], seed=0, backend="numpy").home


@pytest.fixture(autouse=True)
def _by_nobody(monkeypatch):
    monkeypatch.delenv("BPX_RANKS", raising=False)
    monkeypatch.setattr(choice, "launched", lambda: None)
    choice._tell_alone.cache_clear()
    choice._ranks.cache_clear()


def by_mpiexec(monkeypatch):
    monkeypatch.setattr(choice, "launched", lambda: Launched("mpiexec", "mpi", 1, 4))


def test_nobody_chooses(caplog):
    assert choice.chosen(None, HOME) is None
    assert not caplog.records


def test_a_warning_where_several_processes_train_apart(monkeypatch, caplog):
    by_mpiexec(monkeypatch)
    with caplog.at_level(logging.WARNING, "bpx"):
        assert choice.chosen(None, HOME) is None
        assert choice.chosen(None, HOME) is None
    (record,) = caplog.records
    assert "mpiexec started 4 processes, and each trains a network of its own" in record.message
    assert "BPX_RANKS=auto" in record.message


@pytest.mark.parametrize("given", ["off", None])
def test_off(monkeypatch, caplog, given):
    by_mpiexec(monkeypatch)
    monkeypatch.setenv("BPX_RANKS", "off")
    assert choice.chosen(given, HOME) is None
    assert not caplog.records


@pytest.mark.parametrize("by_variable", [False, True])
def test_auto_is_what_started_the_process(monkeypatch, by_variable):
    made = communicators(2)[0]
    made.gather = lambda value: [value, value]
    asked = []
    monkeypatch.setattr(choice, "_ranks", lambda *given: asked.append(given) or made)
    monkeypatch.setattr(choice, "is_installed", lambda package: True)
    if by_variable:
        monkeypatch.setenv("BPX_RANKS", "auto")
    given = None if by_variable else "auto"
    assert choice.chosen(given, HOME) is None  # alone
    by_mpiexec(monkeypatch)
    assert choice.chosen(given, HOME) is made
    assert asked == [("mpi", "numpy")] * 2  # the hosts, and the arrays


def test_one_rank_is_none():
    (alone,) = communicators(1)
    assert choice.chosen(alone, HOME) is None
    assert choice.chosen(communicators(2)[1], HOME).rank == 1


@pytest.mark.parametrize(
    ("given", "variable", "said"),
    [
        ("mpy", None, r"ranks='mpy' was given; expected one of .*'mpi'.* \(did you mean 'mpi'"),
        (None, "nccl", "BPX_RANKS='nccl' was given"),
    ],
)
def test_an_unknown_name(monkeypatch, given, variable, said):
    if variable:
        monkeypatch.setenv("BPX_RANKS", variable)
    with pytest.raises(InputError, match=said):
        choice.chosen(given, HOME)


def test_what_is_missing_is_named_with_a_command(monkeypatch):
    monkeypatch.setattr(choice, "is_installed", lambda package: False)
    with pytest.raises(BackendError, match="pip install mpi4py mpich"):
        choice.chosen("mpi", HOME)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mpi", "no libmpi here.*with: pip install mpich"),
        ("torch", "no libmpi here.*repair it"),
    ],
)
def test_what_is_installed_and_broken(monkeypatch, name, said):
    def broken(module):
        raise RuntimeError("no libmpi here\nnor there")

    monkeypatch.setattr(choice, "is_installed", lambda package: True)
    monkeypatch.setattr(choice, "import_module", broken)
    with pytest.raises(BackendError, match=said):
        choice.hosts(name)


def test_ranks_that_cannot_add_the_arrays_all_say_so(monkeypatch):
    def ranks(name, home):
        if home == "numpy":
            return made
        raise BackendError(f"not on {home}")

    made = communicators(2)[0]
    made.gather = lambda value: [value, value]
    monkeypatch.setattr(choice, "is_installed", lambda package: True)
    monkeypatch.setattr(choice, "_ranks", ranks)
    elsewhere = replace(HOME, device_name="away")
    with pytest.raises(BackendError, match="not on numpy:away") as caught:
        choice.chosen("mpi", elsewhere)
    assert is_everywhere(caught.value)
    made.gather = lambda value: [value, {**value, "the kind of device": "cuda"}]
    with pytest.raises(InputError, match=r"rank 1 of 2 differs .* device: cuda, not away"):
        choice.chosen("mpi", elsewhere)


def test_devices_are_for_jax():
    assert choice.devices(None, HOME) is None
    assert choice.devices("off", HOME) is None
    assert choice.devices(communicators(2)[0], HOME) is None
    with pytest.raises(BackendError, match="only JAX computes a step on several devices"):
        choice.devices("devices", HOME)


def test_a_single_device():
    pytest.importorskip("jax", reason="JAX is not installed")
    import jax

    if len(jax.devices("cpu")) > 1:
        pytest.skip("there are several devices")
    home = bpx.Network([2, 1], seed=0, backend="jax:cpu").home
    with pytest.raises(BackendError, match="xla_force_host_platform_device_count=2"):
        choice.devices("devices", home)


def test_the_usual_device_has_the_same_ranks_with_and_without_its_name():
    """Of each kind of ranks a process makes one, in the same order as the others."""
    assert choice._place(select("numpy")) == choice._place(select("numpy:cpu"))
