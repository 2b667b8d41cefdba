"""Each module of the table computes its activation, and is taken for it."""

import sys
from subprocess import run

import numpy as np
import pytest

from bpx.export.torch.activations import COUNTERPARTS

NAMES = [each.sigma.name for each in COUNTERPARTS]


@pytest.mark.parametrize("counterpart", COUNTERPARTS, ids=NAMES)
def test_the_module_computes_the_activation(counterpart):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    module = getattr(torch.nn, counterpart.kind)(**counterpart.arguments)
    assert counterpart.fits(module)
    z = np.random.default_rng(0).normal(scale=8.0, size=(50, 7))
    found = module(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(found, counterpart.sigma.sigma(z), rtol=1e-13, atol=1e-15)


def test_each_activation_and_each_class_is_there_once():
    assert len(set(NAMES)) == len({each.kind for each in COUNTERPARTS}) == len(COUNTERPARTS)


def test_the_table_needs_no_pytorch():
    code = "import sys, bpx.export.torch.activations; sys.exit('torch' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
