"""BP1 to BP4 under PyTorch's autograd: against its own gradients and finite differences."""

import copy
import gc
import pickle

import numpy as np
import pytest

import bpx
from tests.architectures import random_network, random_samples

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

from bpx.export.torch.equations import Equations  # noqa: E402

EPSILONS = {"float32": 2e-4, "float64": 2e-12}


def both(net, training):
    """The network as PyTorch's modules and as bpx's equations, without dropout."""
    made = net.to_torch(), net.torch_module()
    for module in made:
        for each in module.modules():
            each.training = training and not isinstance(each, nn.Dropout)
    return made


def passed(module, x, weights):
    """The output, and the gradients of a loss that weighs each output differently."""
    x = torch.from_numpy(x).requires_grad_()
    a = module(x)
    (a * a * weights).sum().backward()
    return [a.detach(), x.grad, *(p.grad for p in module.parameters()), *module.buffers()]


@pytest.mark.parametrize("training", [False, True], ids=["outside training", "in training"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradients_are_those_of_autograd(dtype, training):
    """200 random networks: outputs, gradients of inputs and parameters, running averages.

    A BatchNorm of few samples that are nearly equal multiplies what was rounded: in float32
    they may differ by as much more as autograd itself differs from float64.
    """
    for seed in range(200):
        net = random_network(seed, dtype)
        x = random_samples(net, 7, seed)
        weights = torch.linspace(1.0, 2.0, 7 * net.sizes[-1], dtype=torch.float64)
        weights = weights.reshape(7, -1)
        found = [
            passed(module, x, weights.to(getattr(torch, dtype)))
            for module in both(net, training)
        ]
        exact, _ = both(net.to(dtype="float64"), training)
        found.append(passed(exact, x.astype("float64"), weights))
        for ours, theirs, right in zip(*found, strict=True):
            scale = 1.0 + float(right.abs().max())
            off = float((theirs.double() - right).abs().max())
            difference = float((ours - theirs).abs().max())
            assert difference <= EPSILONS[dtype] * scale + off, (seed, difference)


def test_gradcheck():
    """Against finite differences, parameters included."""
    checked = 0
    for seed in range(20):
        net = random_network(seed, "float64", inputs=False)
        module = net.torch_module().eval()
        x = torch.from_numpy(random_samples(net, 3, seed)).requires_grad_()
        smooth = all(
            layer.activation.name not in ("relu", "leaky_relu", "elu")
            for layer in net.spec.dense
        )
        if smooth:
            names, values = zip(*module.named_parameters(), strict=True)

            def f(x, *values, module=module, names=names):
                given = dict(zip(names, values, strict=True))
                return torch.func.functional_call(module, given, x)

            assert torch.autograd.gradcheck(f, (x, *values))
            checked += 1
    assert checked > 5


def model(layer):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), layer, nn.Linear(2, 1)).double()


def test_it_trains_in_a_model_of_somebody():
    x = torch.randn(32, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.sin(x.sum(dim=1, keepdim=True))
    ends = []
    for export in ("torch_module", "to_torch"):
        net = bpx.Network([4, 5, 2], hidden="tanh", output="identity", norm="layer", seed=0)
        whole = model(getattr(net, export)())
        optimizer = torch.optim.Adam(whole.parameters(), lr=0.03)
        for _ in range(60):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(whole(x), y)
            loss.backward()
            optimizer.step()
        ends.append([loss.detach(), *whole.parameters()])
    assert ends[0][0] < 0.1
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def test_it_has_the_names_of_to_torch():
    net = random_network(5)
    module = net.torch_module()
    assert list(module.state_dict()) == list(net.to_torch().state_dict())
    module.load_state_dict(random_network(5).to_torch().state_dict())
    assert type(module) is Equations


def test_it_can_be_copied_and_pickled():
    module = random_network(5).torch_module().eval()
    x = torch.from_numpy(random_samples(random_network(5), 4))
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(module(x), other(x))
        with torch.no_grad():
            next(other.parameters()).fill_(0.0)
        assert not torch.equal(module(x), other(x))


def test_the_axes_of_samples():
    net = bpx.Network([3, 4, 2], seed=0)
    module, x = net.torch_module(), torch.randn(2, 5, 3)
    rows = module(x.reshape(10, 3))
    assert torch.equal(module(x), rows.reshape(2, 5, 2))
    assert module(x[0, 0]).shape == (2,)


@pytest.mark.parametrize("seed", range(20))
def test_an_empty_batch(seed):
    """As nn.Linear takes it: no outputs, and gradients of 0."""
    net = random_network(seed)
    module, x = net.torch_module().eval(), torch.zeros(0, net.sizes[0], requires_grad=True)
    a = module(x)
    assert a.shape == (0, net.sizes[-1])
    a.sum().backward()
    assert x.grad.shape == x.shape
    assert not any(p.grad.any() for p in module.parameters())


def test_an_empty_batch_has_no_averages():
    module = bpx.Network([3, 4, 2], norm="batch", seed=0).torch_module()
    with pytest.raises(bpx.InputError, match=r"x has shape \(0, 3\); .* with n >= 1"):
        module(torch.zeros(0, 3))
    assert torch.equal(dict(module.named_buffers())["2.running_mean"], torch.zeros(4))


def test_dropout_follows_pytorchs_seed_and_mode():
    net = bpx.Network([10, 400, 2], hidden="tanh", output="identity", dropout=0.5, seed=0)
    module, x = net.torch_module(), torch.ones(3, 10)
    torch.manual_seed(3)
    first, second = module(x), module(x)
    torch.manual_seed(3)
    assert torch.equal(module(x), first)
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    expected = torch.from_numpy(net.predict(x.numpy()))
    torch.testing.assert_close(module.eval()(x).detach(), expected)


def test_the_masks_of_both_passes_are_the_same():
    net = bpx.Network([bpx.Dropout(6, 0.5), bpx.Dense(6, 1, "identity", bias=False)], seed=0)
    module, x = net.torch_module(), torch.ones(4, 6, requires_grad=True)
    a = module(x)
    a.sum().backward()
    kept = x.grad != 0
    assert 0 < int(kept.sum()) < 24
    torch.testing.assert_close((x.grad * x).detach().sum(1, keepdim=True), a.detach())


def test_a_norm_that_is_frozen_stays():
    module = bpx.Network([3, 4, 2], norm="batch", seed=0).torch_module()
    norm = dict(module.named_children())["2"].eval()
    module(torch.randn(6, 3))
    assert torch.equal(norm.running_mean, torch.zeros(4))
    assert int(norm.num_batches_tracked) == 0
    norm.train()
    module(torch.randn(6, 3))
    assert float(norm.running_mean.abs().max()) > 0
    assert int(norm.num_batches_tracked) == 1


def test_two_calls_before_the_backward_pass():
    """The averages move between them, which autograd would refuse if it kept the buffers."""
    module = bpx.Network([3, 4, 2], norm="batch", seed=0).torch_module()
    x = torch.randn(6, 3)
    (module(x) + module(2.0 * x)).sum().backward()


def test_a_parameter_that_is_frozen_has_no_gradient():
    module = bpx.Network([3, 4, 2], seed=0).torch_module()
    frozen, *others = module.parameters()
    frozen.requires_grad_(False)
    module(torch.randn(6, 3)).sum().backward()
    assert frozen.grad is None
    assert all(p.grad is not None for p in others)


def test_a_second_derivative_is_refused():
    module = bpx.Network([3, 4, 1], seed=0).torch_module()
    x = torch.randn(6, 3, requires_grad=True)
    (dx,) = torch.autograd.grad(module(x).sum(), x, create_graph=True)
    with pytest.raises(
        bpx.InputError, match=r"BP1 to BP4 give first derivatives alone; use net.to_torch"
    ):
        (dx * dx).sum().backward()


def test_a_first_derivative_with_create_graph_is_not():
    module = bpx.Network([3, 4, 1], seed=0).torch_module()
    x = torch.randn(6, 3, requires_grad=True)
    (kept,) = torch.autograd.grad(module(x).sum(), x, create_graph=True)
    (plain,) = torch.autograd.grad(module(x).sum(), x)
    assert torch.equal(kept, plain)
    fixed, weights = x.detach(), list(module.parameters())
    kept = torch.autograd.grad(module(fixed).sum(), weights, create_graph=True)
    plain = torch.autograd.grad(module(fixed).sum(), weights)
    assert all(map(torch.equal, kept, plain))


def test_a_parameter_written_between_the_passes_is_noticed():
    module = bpx.Network([3, 4, 1], seed=0).torch_module()
    loss = module(torch.randn(6, 3)).sum()
    with torch.no_grad():
        next(module.parameters()).add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 3), (3,)])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_output_may_be_written_to(dropout, shape):
    """As a ReLU(inplace=True) behind it does; the gradient of tanh needs a as it was."""
    module = bpx.Network(
        [3, 4, 2], hidden="tanh", output="tanh", dropout=dropout, seed=0
    ).torch_module()
    found = []
    for inplace in (True, False):
        torch.manual_seed(0)
        x = torch.linspace(-1.0, 1.0, int(np.prod(shape))).reshape(shape).requires_grad_()
        module.zero_grad()
        a = nn.ReLU(inplace)(module(x))
        a.square().sum().backward()
        found.append([a.detach(), x.grad, *(p.grad.clone() for p in module.parameters())])
    assert all(map(torch.equal, *found))


def test_a_pass_is_freed_with_its_output():
    module = bpx.Network([3, 4, 2], norm="batch", seed=0).torch_module()
    gc.collect()
    gc.disable()  # what refers to itself would stay
    try:
        a = module(torch.randn(6, 3))
        assert len(passes()) == 1
        del a
        assert passes() == []
    finally:
        gc.enable()


def passes():
    return [each for each in gc.get_objects() if type(each).__name__ == "_EquationsBackward"]


def test_autocast_leaves_it_in_its_own_dtype():
    module = bpx.Network([3, 4, 2], seed=0).torch_module()
    x = torch.randn(6, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        a = module(x.bfloat16())
    a.sum().backward()
    assert a.dtype == torch.float32
    assert torch.equal(a, module(x.bfloat16().float()))


@pytest.mark.parametrize(
    ("x", "error", "said"),
    [
        (torch.ones(2, 4), bpx.InputError, r"x has shape \(2, 4\); expected \(n, 3\)"),
        (torch.ones(()), bpx.InputError, r"x has shape \(\)"),
        (
            torch.ones(2, 3).double(),
            bpx.MixedArraysError,
            r"x is torch float64 .*: x\.to\(torch\.float32\), or module\.to\(torch\.float64\)$",
        ),
        (torch.ones(2, 3).long(), bpx.MixedArraysError, r": x\.to\(torch\.float32\)$"),
        (
            torch.ones(2, 3, device="meta"),
            bpx.MixedArraysError,
            r"expected one device: x\.to\('cpu'\), or module\.to\('meta'\)$",
        ),
        (
            np.ones((2, 3), "float32"),
            bpx.MixedArraysError,
            r"x is numpy .* torch\.as_tensor\(x",
        ),
    ],
)
def test_what_is_refused(x, error, said):
    with pytest.raises(error, match=said):
        bpx.Network([3, 4, 2], seed=0).torch_module()(x)


def test_the_feedback_is_the_transpose():
    nets = [
        bpx.Network([3, 4, 2], seed=0, feedback=rule, dtype="float64")
        for rule in ("transpose", "fa")
    ]
    x, weights = random_samples(nets[0], 5), torch.ones(5, 2, dtype=torch.float64)
    one, other = (passed(net.torch_module(), x, weights) for net in nets)
    for found, expected in zip(one, other, strict=True):
        assert torch.equal(found, expected)
