"""The methods that make modules of a network, and what they say without the library."""

import sys

import pytest

import bpx
from bpx.arrays import registry

METHODS = {"to_torch": "torch", "torch_module": "torch", "jax_function": "jax"}


@pytest.mark.parametrize(("method", "library"), METHODS.items())
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    method, library, monkeypatch
):
    net = bpx.Network([2, 1], seed=0, backend="numpy")
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setattr(registry, "_loaded", {})
    with pytest.raises(
        bpx.BackendError, match=f"not installed; install it with: pip install {library}"
    ):
        getattr(net, method)()
