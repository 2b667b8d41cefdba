"""From PyTorch to bpx, and what a network that was trained there can then do."""

import numpy as np
import pytest

import bpx
from tests.architectures import random_network, random_samples

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn


def classifier():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 6), nn.ReLU(), nn.LayerNorm(6), nn.Dropout(0.1), nn.Linear(6, 3)
    )


def samples(n=8):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 4)).astype("float32"), rng.integers(0, 3, n)


AS_CLASSES = {"output": "softmax", "cost": "cross_entropy"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("export", ["to_torch", "torch_module"])
def test_there_and_back(export, dtype):
    """200 random networks: dropout, norms, residual blocks and all activations among them."""
    kinds = set()
    for seed in range(200):
        net = random_network(seed, dtype)
        kinds |= {layer.kind for layer in net.spec.layers}
        back = bpx.from_torch(getattr(net, export)(), cost=net.spec.cost)
        assert back.spec == net.spec
        assert (str(back.home), back.home.dtype) == ("torch:cpu", dtype)
        pairs = zip(net.parameters.branches(), back.parameters.branches(), strict=True)
        for (name, x), (same, y) in pairs:
            assert name == same
            assert (x is None) == (y is None)
            assert x is None or np.array_equal(x, bpx.to_host(y))
        x = random_samples(net, 6, seed)
        scale = 1e-5 if dtype == "float32" else 1e-13
        found, expected = back.predict(x), net.predict(x)
        assert np.abs(found - expected).max() <= scale * (1 + np.abs(expected).max())
    assert kinds >= {"dense", "dropout", "layer_norm", "batch_norm", "add", "embedding"}


def test_the_loss_and_its_gradients_are_pytorchs():
    model, (x, y) = classifier().double(), samples()
    x = torch.from_numpy(x).double()
    net, y = bpx.from_torch(model, **AS_CLASSES), torch.from_numpy(y)
    loss = nn.functional.cross_entropy(model.eval()(x), y)
    loss.backward()
    trace = net.backprop(x, y)
    torch.testing.assert_close(trace.cost.mean(), loss.detach())
    torch.testing.assert_close(trace.gradients.w[0], model[0].weight.grad)
    torch.testing.assert_close(trace.gradients.layers[1].gamma, model[2].weight.grad)
    torch.testing.assert_close(trace.gradients.b[1], model[4].bias.grad)


def test_a_network_trained_there_is_looked_into_and_trained_privately():
    pytest.importorskip("dp_accounting", reason="the epsilon is counted by dp-accounting")
    model, (x, y) = classifier(), samples(64)
    net = bpx.from_torch(model, **AS_CLASSES)
    health = bpx.inspect.examine(net, x, y)
    assert isinstance(bpx.inspect.diagnose(health), tuple | list)
    norms = bpx.inspect.gradient_norms(net.backprop(*bpx.move_to(x, y, like=net.weights[0])))
    assert norms.shape == (64,)
    private = bpx.privacy.DPSGD(noise_multiplier=1.0, clip=0.5, delta=1e-3, seed=0)
    history = net.fit(x, y, epochs=1, batch_size=16, optimizer=bpx.SGD(0.1), privacy=private)
    assert history[-1].privacy.epsilon > 0.0


def test_where_it_lives():
    model = classifier()
    assert str(bpx.from_torch(model).home) == "torch:cpu"
    assert bpx.from_torch(model).home.dtype == "float32"
    elsewhere = bpx.from_torch(model, backend="numpy", dtype="float64")
    assert (str(elsewhere.home), elsewhere.home.dtype) == ("numpy", "float64")
    x, _ = samples()
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(elsewhere.predict(x), expected, rtol=1e-5, atol=1e-6)
    half = classifier().bfloat16()
    with pytest.raises(bpx.InputError, match=r"are bfloat16; .* dtype='float32'"):
        bpx.from_torch(half)
    assert bpx.from_torch(half, dtype="float32").home.dtype == "float32"


def test_the_cost_follows_from_the_output():
    """As in `from_onnx`; one that is given is used."""
    bare = nn.Sequential(nn.Linear(4, 3))
    crossed = bpx.costs.categorical_cross_entropy, bpx.costs.binary_cross_entropy
    for output, cost in zip(("softmax", "sigmoid"), crossed, strict=True):
        assert bpx.from_torch(bare, output=output).spec.cost == cost
        given = bpx.from_torch(bare, output=output, cost="quadratic")
        assert given.spec.cost == bpx.costs.quadratic
    whole = nn.Sequential(nn.Linear(4, 3), nn.Softmax(-1))
    assert bpx.from_torch(whole).spec.cost == bpx.costs.categorical_cross_entropy
    assert bpx.from_torch(bare).spec.cost == bpx.costs.quadratic
    assert bpx.from_torch(bare, output="tanh").spec.cost == bpx.costs.quadratic


def test_several_dtypes_become_the_one_that_is_given():
    module = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2).double())
    with pytest.raises(bpx.InputError, match=r"0\.weight is float32, 1\.weight is float64"):
        bpx.from_torch(module)
    assert bpx.from_torch(module, dtype="float32").weights[1].dtype == torch.float32


def test_values_are_copied():
    model = classifier()
    net = bpx.from_torch(model)
    before = net.weights[0].clone()
    with torch.no_grad():
        model[0].weight.fill_(3.0)
    assert torch.equal(net.weights[0], before)
    assert not net.weights[0].requires_grad


@pytest.mark.parametrize("backend", ["torch:cpu", "numpy"])
def test_shared_memory_follows_pytorchs_optimizer(backend):
    model, (x, y) = classifier(), samples()
    net = bpx.from_torch(model, backend=backend, share=True, **AS_CLASSES)
    for _ in range(12):  # calls that recur are bound to the parameters
        before = net.evaluate(x, y).cost, net.predict(x)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        logits = model.eval()(torch.from_numpy(x))
        nn.functional.cross_entropy(logits, torch.from_numpy(y)).backward()
        optimizer.step()
    assert net.evaluate(x, y).cost < before[0] - 0.05
    with torch.no_grad():
        expected = torch.softmax(model(torch.from_numpy(x)), -1).numpy()
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-5, atol=1e-6)
    trained = model[0].weight.detach().clone()
    net.fit(x, y, epochs=2, batch_size=4, optimizer=bpx.Adam(0.1))
    assert torch.equal(model[0].weight, trained)


def test_a_norm_over_the_batch_is_folded_for_what_needs_each_samples_gradient():
    torch.manual_seed(0)
    parts = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)
    model, (x, y) = nn.Sequential(*parts), samples()
    model(torch.from_numpy(x))
    with pytest.raises(bpx.InputError, match=r"2: ReLU\(\) .* With fold=True, a BatchNorm1d"):
        bpx.from_torch(model)
    net = bpx.from_torch(model, fold=True, **AS_CLASSES)
    with torch.no_grad():
        expected = torch.softmax(model.eval()(torch.from_numpy(x)), -1).numpy()
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-5, atol=1e-6)
    trace = net.backprop(*bpx.move_to(x, y, like=net.weights[0]))
    assert bpx.inspect.gradient_norms(trace).shape == (8,)


def test_shared_memory_is_found_behind_different_tensors():
    one, other = nn.Linear(3, 3), nn.Linear(3, 3)
    other.weight.data = one.weight.data
    with pytest.raises(bpx.InputError, match=r"0: Linear\(.* 1: Linear\(.* share their param"):
        bpx.from_torch(nn.Sequential(one, other))


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_a_module_without_values(backend):
    module = nn.Sequential(nn.Linear(3, 3, device="meta"))
    with pytest.raises(bpx.InputError, match=r"0: Linear\(.*device 'meta', which holds no val"):
        bpx.from_torch(module, backend=backend)


def test_what_cannot_be_shared():
    with pytest.raises(bpx.InputError, match="share=True and fold=True were given"):
        bpx.from_torch(classifier(), fold=True, share=True)
    with pytest.raises(bpx.InputError, match="cannot be shared as float64: omit copy"):
        bpx.from_torch(classifier(), dtype="float64", share=True)
    with pytest.raises(bpx.InputError, match=r"share='yes' was given; expected True or False"):
        bpx.from_torch(classifier(), share="yes")


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (lambda: [1.0], {}, r"a builtins\.list was given; expected a torch\.nn\.Sequential"),
        (
            lambda: nn.Sequential(nn.Linear(3, 2), nn.Softmax(-1)),
            {"output": "softmax"},
            r"the last Linear, 0: Linear\(.*\), has the activation 'softmax' already; omit o",
        ),
        (
            lambda: nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)),
            {},
            r"1: LayerNorm\(.*\) is the last module; expected a Linear",
        ),
        (
            lambda: nn.Sequential(nn.Linear(3, 2)),
            {"cost": "cross_entropy"},
            "use output='softmax' or output='sigmoid'",
        ),
        (lambda: nn.Sequential(nn.Linear(3, 2)), {"output": "sofmax"}, "mean 'softmax'"),
        (
            lambda: nn.Sequential(*[nn.Linear(3, 3)] * 2),
            {},
            r"0: Linear\(.*\) and 1: Linear\(.*\) share their parameters",
        ),
    ],
)
def test_what_is_refused(make, options, said):
    with pytest.raises(bpx.InputError, match=said):
        bpx.from_torch(make(), **options)
