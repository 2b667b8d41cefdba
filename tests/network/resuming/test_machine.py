"""What the last bits depend on."""

import json

import bpx
from bpx.network.resuming.machine import machine, versions
from tests.training.small import network


def test_it_names_the_backend_its_engine_and_the_versions(target, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    home = network(target).home
    found = machine(home)
    assert json.loads(json.dumps(found)) == found
    assert (found["backend"], found["dtype"]) == (str(home), "float32")
    assert found["threads"]["OMP_NUM_THREADS"] == "3"
    assert found["cores"] >= 1
    assert found["versions"]["bpx"] == bpx.__version__
    assert {"python", "numpy", home.backend.name} <= found["versions"].keys()


def test_numba_is_named_where_it_runs(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "off")
    home = network().home
    monkeypatch.setattr(home.backend, "engine", lambda: "kernels by numba")
    assert "numba" in versions(home)
