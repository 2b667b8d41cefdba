"""The modules that PyTorch lacks: a layer, an activation and a block of bpx."""

import copy
import pickle
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import bpx

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from bpx.export.torch.modules import Layer, Residual, Sigma, context  # noqa: E402


def test_a_residual_adds_what_enters_it():
    block = Residual(torch.nn.Linear(2, 2, bias=False), torch.nn.ReLU())
    with torch.no_grad():
        block[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, -1.0]]))
    x = torch.tensor([[2.0, 3.0]])
    assert block(x).tolist() == [[4.0, 3.0]]


def test_a_sigma_is_differentiated_by_pytorch():
    z = torch.tensor([[-1.0, 2.0]], requires_grad=True)
    sigma = Sigma(bpx.activations.exponential)
    sigma(z).sum().backward()
    torch.testing.assert_close(z.grad, torch.exp(z.detach()))
    assert "exponential" in repr(sigma)


def test_a_layer_learns_its_arrays():
    layer = bpx.Periodic(2, columns=[1], frequencies=2)
    module = Layer(layer, {"c": torch.tensor([[0.5], [1.5]], dtype=torch.float64)})
    x = torch.tensor([[3.0, 0.1], [4.0, 0.7]], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x, c: torch.func.functional_call(module, {"c": c}, x),
        (x.requires_grad_(), module.c.detach().clone().requires_grad_()),
    )
    assert dict(module.named_parameters()).keys() == {"c"}
    assert "frequencies=2" in repr(module)


def test_a_layer_can_be_copied_and_pickled():
    layer = bpx.Embedding(2, columns=[1], levels=[3], dim=2)
    module = Layer(layer, {"E": torch.ones(3, 2)})
    x = torch.tensor([[0.5, 2.0]])
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(module(x), other(x))
        assert other.E is not module.E


def test_a_norm_of_bpx_moves_its_averages_in_training_alone():
    norm = bpx.BatchNorm(2, momentum=0.5)
    start = {"gamma": 1.0, "beta": 0.0, "mean": 0.0, "variance": 1.0}
    arrays = {field: torch.full((2,), value) for field, value in start.items()}
    module, peer = Layer(norm, arrays), torch.nn.BatchNorm1d(2, momentum=0.5)
    assert dict(module.named_buffers()).keys() == {"running_mean", "running_var"}
    x = torch.tensor([[1.0, 5.0], [3.0, 0.0], [8.0, 1.0]])
    for training in (True, False, True):
        module.train(training)
        peer.train(training)
        torch.testing.assert_close(module(x), peer(x))
        torch.testing.assert_close(module.running_mean, peer.running_mean)
        torch.testing.assert_close(module.running_var, peer.running_var)


def test_what_is_drawn_follows_pytorchs_seed():
    module, x = Layer(bpx.Dropout(1000, 0.3), {}), torch.ones(4, 1000)
    torch.manual_seed(1)
    first, second = module(x), module(x)
    torch.manual_seed(1)
    assert torch.equal(first, module(x))
    assert not torch.equal(first, second)
    assert abs(float((first == 0).float().mean()) - 0.3) < 0.05
    assert torch.equal(module.eval()(x), x)


@dataclass(frozen=True)
class Doubled:
    """A layer of one's own, whose parameter is called as PyTorch calls a Linear's."""

    width: int
    kind: ClassVar[str] = "doubled"
    couples_samples: ClassVar[bool] = False
    draws: ClassVar[bool] = False

    @property
    def shapes(self) -> Any:
        return {"w": (self.width,)}


def test_the_names_are_those_of_the_file():
    module = Layer(Doubled(3), {"w": torch.ones(3)})
    assert list(module.state_dict()) == ["weight"]


def test_a_context_outside_training_draws_nothing():
    before = torch.get_rng_state()
    told = context(bpx.Dropout(3, 0.5), False, torch.ones(1))
    assert told == (False, None, None, None, None)
    assert torch.equal(before, torch.get_rng_state())
    assert context(bpx.Dropout(3, 0.5), True, torch.ones(1)).key.dtype == torch.int32
    assert np.shape(context(bpx.LayerNorm(3), True, torch.ones(1)).key) == ()
