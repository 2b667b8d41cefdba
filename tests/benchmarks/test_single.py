"""Single calls of bpx beside its peers', with numbers so small that they take no time."""

import os

import pytest

from benchmarks import rounds, single


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(single, "EPOCHS", 2)
    monkeypatch.setattr(rounds, "PAUSE", 0.0)


def test_it_prints_a_table_for_each_subject(capsys, monkeypatch):
    monkeypatch.setattr(single, "PEERS", ("bpx numpy", "missing"))
    single.main(["--repeats", "1", "--window", "0"])
    printed = capsys.readouterr().out
    assert printed.count("| bpx numpy |") == len(single.SUBJECTS)
    assert all(f"| {subject} | µs |" in printed for subject in single.SUBJECTS)
    assert "missing is left out: BackendError" in printed


@pytest.mark.parametrize("subject", single.SUBJECTS)
@pytest.mark.parametrize(("peer", "library"), [("PyTorch", "torch"), ("JAX", "optax")])
def test_the_peers_run(peer, library, subject):
    pytest.importorskip(library, reason=f"{library} is not installed")
    assert single._warm(peer, subject)() is not None


def test_ratios_are_those_to_an_engines_own_library():
    times = {"bpx numpy": [2.0, 4.0], "PyTorch": [6.0, 6.0], "bpx jax": [1.0, 1.0]}
    shown = single.shown("step", times).splitlines()
    assert [line.split(" | ")[0] for line in shown[2:]] == [
        "| bpx jax",
        "| bpx numpy",
        "| PyTorch",
    ]
    assert "PyTorch 2.00 |" in shown[3]
    assert shown[2].endswith("|  |")


def test_it_starts_anew_with_one_thread_and_the_machines_own_kernels(monkeypatch):
    begun = []
    monkeypatch.setattr(os, "execve", lambda *given: begun.append(given))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    single.alone()
    ((_, arguments, environment),) = begun
    assert arguments[1:3] == ["-m", "benchmarks.single"]
    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["OMP_NUM_THREADS"] == "1"
    monkeypatch.setattr(os, "environ", environment)
    single.alone()
    assert len(begun) == 1
