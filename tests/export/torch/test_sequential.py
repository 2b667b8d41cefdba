"""The modules of 200 random networks: their outputs, their names, and their files."""

import numpy as np
import pytest

import bpx
from tests.architectures import random_network, random_samples
from tests.backends import host, problem

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from bpx.export.torch.modules import Layer, Residual, Sigma  # noqa: E402
from bpx.export.torch.sequential import arrays_of, modules_of  # noqa: E402

SEEDS = range(200)
DTYPES = ["float32", "float64"]
EPSILONS = {"float32": 2e-6, "float64": 1e-14}


def outputs(module, x):
    with torch.no_grad():
        return module.eval()(torch.from_numpy(x)).numpy()


def close(found, expected):
    scale = 1.0 + np.abs(expected).max()
    atol = EPSILONS[str(expected.dtype)] * scale
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)
    assert found.dtype == expected.dtype


def has_blocks(net):
    return bool(net.spec.skips)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_outputs_are_those_of_the_network(dtype):
    for seed in SEEDS:
        net = random_network(seed, dtype)
        x = random_samples(net, 9, seed)
        close(outputs(net.to_torch(), x), net.predict(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_state_dict_goes_through_a_file(dtype, tmp_path):
    for seed in SEEDS:
        net = random_network(seed, dtype)
        save_file(net.to_torch().state_dict(), tmp_path / "torch.safetensors")
        other = random_network(seed, dtype)
        other.parameters = random_like(other.parameters)
        module = other.to_torch()
        module.load_state_dict(load_file(tmp_path / "torch.safetensors"))
        x = random_samples(net, 9, seed)
        close(outputs(module, x), net.predict(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_file_of_bpx_is_read_by_pytorch(dtype, tmp_path):
    blocks = 0
    for seed in SEEDS:
        net, path = random_network(seed, dtype), tmp_path / "bpx.safetensors"
        net.save(path)
        if has_blocks(net):
            blocks += 1
            module = bpx.load(path, backend="torch:cpu").to_torch()
        else:
            other = random_network(seed, dtype)
            other.parameters = random_like(other.parameters)
            module = other.to_torch()
            module.load_state_dict(load_file(path))
        x = random_samples(net, 9, seed)
        close(outputs(module, x), net.predict(x))
    assert 20 < blocks < 180


def random_like(parameters):
    rng = np.random.default_rng(0)
    arrays = [x for _, x in parameters.branches()]
    made = [x if x is None else rng.uniform(1, 2, x.shape).astype(x.dtype) for x in arrays]
    return parameters.grown(made)


def test_pytorchs_own_modules_and_their_places():
    net = bpx.Network(
        [
            bpx.Dense(4, 5, "relu", bias=False),
            bpx.BatchNorm(5, momentum=0.2, epsilon=1e-3),
            bpx.Residual([bpx.Dense(5, 3, "silu"), bpx.Dense(3, 5, "identity")]),
            bpx.LayerNorm(5, epsilon=1e-4),
            bpx.Dropout(5, 0.25),
            bpx.Dense(5, 2, "softmax"),
        ],
        cost="cross_entropy",
        seed=0,
    )
    module = net.to_torch()
    assert type(module) is torch.nn.Sequential
    assert [type(each).__name__ for each in module] == [
        "Linear", "ReLU", "BatchNorm1d", "Residual", "LayerNorm", "Dropout",
        "Linear", "Softmax",
    ]  # fmt: skip
    assert module[0].bias is None
    assert (module[2].momentum, module[2].eps) == (0.2, 1e-3)
    assert [type(each).__name__ for each in module[3]] == [
        "Linear", "SiLU", "Linear", "Identity",
    ]  # fmt: skip
    assert (module[4].eps, module[5].p) == (1e-4, 0.25)
    assert module.training
    assert "3.0.weight" in module.state_dict()
    assert all(p.requires_grad for p in module.parameters())


def test_blocks_in_blocks():
    def dense():
        return bpx.Dense(3, 3, "tanh")

    inner = bpx.Residual([dense(), bpx.LayerNorm(3)])
    outer = bpx.Residual([inner, dense(), inner])
    net = bpx.Network([outer, inner, dense()], seed=0, dtype="float64")
    module, x = net.to_torch(), random_samples(net, 5)
    assert isinstance(module[0], Residual)
    assert isinstance(module[0][0], Residual)
    assert len(module) == 4
    close(outputs(module, x), net.predict(x))


def test_the_arrays_are_found_in_the_modules():
    for seed in range(40):
        net = random_network(seed, "float64")
        module = net.to_torch()
        found = arrays_of(net.spec, module)
        pairs = zip(net.parameters.branches(), found.branches(), strict=True)
        for (name, x), (same, y) in pairs:
            assert name == same
            assert x is y is None or np.array_equal(x, y.detach())
        kinds = [type(each).__name__ for _, each in modules_of(net.spec, module)]
        dense = [
            k for k, each in zip(kinds, net.spec.layers, strict=True) if each.kind == "dense"
        ]
        assert set(dense) == {"Linear"}


def test_blocks_that_cross_are_refused():
    dense = bpx.Dense(3, 3, "tanh")
    crossing = [dense, dense, bpx.layers.Add(3, 2), bpx.layers.Add(3, 2), dense]
    with pytest.raises(bpx.InputError, match="begins inside another residual block"):
        bpx.Network(crossing, seed=0).to_torch()


@pytest.mark.parametrize("name", sorted(bpx.activations.ACTIVATIONS))
def test_an_activation_far_from_0(name):
    net = bpx.Network([1, 2], output=name, seed=0, dtype="float64")
    net.parameters = [np.array([[1.0], [-1.0]])], [np.zeros(2)]
    x = np.array([[0.0], [1e-9], [1.0], [15.0], [21.0], [36.0], [39.9], [41.0], [300.0]])
    close(outputs(net.to_torch(), x), net.predict(x))


def test_what_pytorch_has_no_module_for_calls_bpx():
    square = bpx.Elementwise("square", lambda z: z * z, lambda z, a: 2.0 * z)
    first = bpx.Embedding(3, columns=[1], levels=[4], dim=2)
    net = bpx.Network([first, bpx.Dense(4, 3, square), bpx.Dense(3, 1, "exponential")], seed=0)
    module = net.to_torch()
    assert [type(each) for each in module[::2]] == [Layer, Sigma, Sigma]
    assert list(module.state_dict()) == ["0.E", "1.weight", "1.bias", "3.weight", "3.bias"]
    x = np.array([[0.5, 3.0, 0.1], [0.2, 0.0, -1.0]], dtype="float32")
    close(outputs(module, x), net.predict(x))


@pytest.mark.parametrize("backend", ["numpy", "strict", "torch:cpu", "jax:cpu"])
def test_what_an_optimizer_writes_is_not_seen_by_the_network(backend):
    if reason := problem(backend):
        pytest.skip(reason)
    net = bpx.Network([3, 4, 2], seed=0, backend=backend)
    before = [host(w) for w in net.weights]
    module = net.to_torch()
    with torch.no_grad():
        module[0].weight.fill_(7.0)
    for one, other in zip(before, net.weights, strict=True):
        np.testing.assert_array_equal(one, host(other))


@pytest.mark.parametrize("backend", ["numpy", "torch:cpu"])
def test_shared_memory(backend):
    net = bpx.Network([3, 4, 2], norm="batch", seed=0, backend=backend)
    x = random_samples(net, 5)
    for _ in range(12):  # calls that recur are bound to the parameters
        before = net.predict(x)
    module = net.to_torch(share=True)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    module(torch.from_numpy(x)).sum().backward()
    optimizer.step()
    after = net.predict(x)
    assert np.abs(after - before).max() > 0.01
    close(outputs(module, x), after)
    net.fit(x, [0, 1, 0, 1, 1], epochs=1, batch_size=5, optimizer=bpx.SGD(0.5))
    close(outputs(module, x), after)  # bpx's training made new arrays


def test_immutable_arrays_are_not_shared():
    pytest.importorskip("jax", reason="JAX is not installed")
    net = bpx.Network([3, 2], seed=0, backend="jax")
    with pytest.raises(bpx.InputError, match=r"share=True was given, .* jax float32"):
        net.to_torch(share=True)


def test_making_modules_draws_no_numbers():
    before = torch.get_rng_state()
    random_network(3).to_torch()
    assert torch.equal(before, torch.get_rng_state())
