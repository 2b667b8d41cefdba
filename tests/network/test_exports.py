"""The methods that make modules of a network, and what they say without the library."""

import sys

import pytest

import bpx
from bpx.arrays import registry


@pytest.mark.parametrize("method", ["to_torch", "torch_module"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(method, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(registry, "_loaded", {})
    net = bpx.Network([2, 1], seed=0)
    with pytest.raises(
        bpx.BackendError, match="not installed; install it with: pip install torch"
    ):
        getattr(net, method)()
