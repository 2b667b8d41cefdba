"""Kronecker factors against BackPACK's KFLR and curvlinops' KFAC."""

import warnings

import numpy as np
import pytest

import bpx
from bpx.inspect import ggn_diagonal, kfac
from tests.backends import host
from tests.inspect.curvature.test_products import given
from tests.peers import Twin, close, random_network, random_samples, torch_functions

DEEP = {
    "tanh": ([5, 6, 4, 3], "tanh", "softmax", "cross_entropy"),
    "relu": ([5, 6, 4, 3], "relu", "softmax", "cross_entropy"),
    "one_layer": ([4, 3], "tanh", "softmax", "cross_entropy"),
    "sigmoid": ([4, 6, 5, 3], "sigmoid", "sigmoid", "cross_entropy"),
    "regression": ([4, 6, 2], "tanh", "identity", "quadratic"),
}
each = pytest.mark.parametrize("name", DEEP)


def problem(name):
    net = random_network(*DEEP[name])
    x, y = random_samples(net, labels=net.spec.cost.name == "categorical_cross_entropy")
    y = (y > 0.5).astype(float) if net.spec.cost.name == "binary_cross_entropy" else y
    return net, x, y, (net.spec, net.parameters, net.backprop(x, y), y)


def losses():
    """PyTorch's, by our cost, and what it has in place of 1/2."""
    nn = torch_functions().nn
    return {
        "categorical_cross_entropy": (nn.CrossEntropyLoss, 1.0),
        "binary_cross_entropy": (nn.BCEWithLogitsLoss, 1.0),
        "quadratic": (nn.MSELoss, 2.0),
    }


@pytest.mark.parametrize("name", ["tanh", "relu", "one_layer"])
def test_exact_against_backpack(name):
    backpack = pytest.importorskip("backpack", reason="the peer is BackPACK")
    net, x, y, args = problem(name)
    twin = Twin(net)
    model = backpack.extend(twin.sequential())
    loss = backpack.extend(twin.torch.nn.CrossEntropyLoss())
    labels = twin.torch.from_numpy(y.astype(np.int64))
    with backpack.backpack(backpack.extensions.KFLR()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of its hooks
        loss(model(twin.tensor(x)), labels).backward()
    theirs = list(model.parameters())
    factors = kfac(*args)
    for w, b, a, g in zip(theirs[::2], theirs[1::2], *factors, strict=True):
        close(g, w.kflr[0])
        close(a[:-1, :-1], w.kflr[1])
        close(g, b.kflr[0])


def by_curvlinops(net, x, y, fisher_type, mc_samples=1):
    """A and G of every layer, with the bias as an input that is 1, means over the samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its import
        curvlinops = pytest.importorskip("curvlinops", reason="the peer is curvlinops")
    twin = Twin(net)
    loss, scale = losses()[net.spec.cost.name]
    targets = twin.torch.from_numpy(y.astype(np.int64)) if y.ndim == 1 else twin.tensor(y)
    model = twin.sequential()
    operator = curvlinops.KFACLinearOperator(
        model,
        loss(reduction="sum"),
        list(model.parameters()),
        [(twin.tensor(x), targets)],
        fisher_type=fisher_type,
        mc_samples=mc_samples,
        separate_weight_and_bias=False,
        check_deterministic=False,
    )
    operator.compute_kronecker_factors()
    names = [name for name, module in model.named_modules() if hasattr(module, "weight")]
    a = [operator._input_covariances[name].numpy() for name in names]
    # MSELoss is twice our cost: its errors are twice ours, and so is what of H is drawn.
    power = scale**2 if fisher_type == "empirical" else scale
    return a, [operator._gradient_covariances[name].numpy() / len(x) / power for name in names]


@each
@pytest.mark.parametrize(("kind", "theirs"), [("exact", "type-2"), ("empirical", "empirical")])
def test_against_curvlinops(name, kind, theirs):
    net, x, y, args = problem(name)
    found, expected = kfac(*args, kind=kind), by_curvlinops(net, x, y, theirs)
    for ours, wanted in zip(found, expected, strict=True):
        for one, other in zip(ours, wanted, strict=True):
            close(one, other)


@each
def test_drawn_ones_in_the_mean(name):
    """Ours within 5 standard errors of the exact ones; curvlinops' mean near ours."""
    net, x, y, _ = problem(name)
    x, y = np.repeat(x, 100, axis=0), np.repeat(y, 100, axis=0)
    args = net.spec, net.parameters, net.forward(x), y
    exact = kfac(*args).G
    draws = [kfac(*args, kind="monte_carlo", seed=seed).G for seed in range(30)]
    _, theirs = by_curvlinops(net, x, y, "mc", mc_samples=30)
    for layer, wanted in enumerate(exact):
        each = np.stack([g[layer] for g in draws])
        error = each.std(axis=0, ddof=1) / 30**0.5
        assert error.max() < 0.05 * wanted.max()
        assert (np.abs(each.mean(axis=0) - wanted) <= 5.0 * error + 1e-14).all()
        apart = np.abs(each.mean(axis=0) - theirs[layer])
        assert (apart <= 5.0 * 2**0.5 * error + 1e-14).all()


def test_drawn_labels_leave_the_inputs_alone():
    _, _, _, args = problem("tanh")
    exact, drawn = kfac(*args), kfac(*args, kind="monte_carlo", seed=5)
    for one, other in zip(exact.A, drawn.A, strict=True):
        assert (one == other).all()


def test_left_out_the_seed_is_0_and_one_label_is_drawn():
    _, _, _, args = problem("tanh")
    found = kfac(*args, kind="monte_carlo")
    expected, other, more = (
        kfac(*args, kind="monte_carlo", samples=samples, seed=seed)
        for samples, seed in ((1, 0), (1, 1), (2, 0))
    )
    for one, wanted, differs, doubled in zip(found.G, expected.G, other.G, more.G, strict=True):
        assert (one == wanted).all()
        assert (one != differs).any()
        assert (one != doubled).any()


def test_of_a_single_sample_the_factors_are_the_diagonal():
    """There the mean of the products is the product of the means."""
    net, x, y, _ = problem("tanh")
    args = net.spec, net.parameters, net.forward(x[:1]), y[:1]
    diagonal = ggn_diagonal(*args)
    for w, b, a, g in zip(diagonal.w, diagonal.b, *kfac(*args), strict=True):
        both = np.diag(g)[:, None] * np.diag(a)
        close(both[:, :-1], w)
        close(both[:, -1], b)


def test_the_root_of_a_cost_of_ones_own():
    quadratic = bpx.costs.quadratic
    own = bpx.Cost("own", quadratic.value, quadratic.grad_a, hess_a=quadratic.hess_a)
    net = random_network([4, 5, 3], "tanh", "sigmoid", own)
    there = random_network([4, 5, 3], "tanh", "sigmoid", "quadratic")
    x, y = random_samples(net)
    found, expected = (
        kfac(each.spec, each.parameters, each.forward(x), y) for each in (net, there)
    )
    for one, other in zip(found.G, expected.G, strict=True):
        close(one, other)


@pytest.mark.parametrize("kind", ["exact", "monte_carlo", "empirical"])
def test_on_every_backend(target, kind):
    net, _, _, args = given(target=target)
    _, _, _, expected = given()
    found, wanted = (kfac(*each, kind=kind, samples=2, seed=9) for each in (args, expected))
    for group, others in zip(found, wanted, strict=True):
        for one, other in zip(group, others, strict=True):
            assert net.home.owns(one)
            np.testing.assert_allclose(host(one), other, rtol=1e-9, atol=1e-15)


def test_refusals():
    net, x, y, args = problem("tanh")
    with pytest.raises(bpx.InputError, match=r"kind='kflr' was given; expected one of 'exact'"):
        kfac(*args, kind="kflr")
    with pytest.raises(bpx.InputError, match="samples=0 was given"):
        kfac(*args, kind="monte_carlo", samples=0)
    with pytest.raises(bpx.InputError, match=r"has no deltas"):
        kfac(net.spec, net.parameters, net.forward(x), y, kind="empirical")
    other = problem("regression")[3]
    for kind in ("exact", "empirical"):
        with pytest.raises(bpx.InputError, match=r"widths \[5, 6, 4, 3\] was given with"):
            kfac(*other[:2], args[2], y, kind=kind)
