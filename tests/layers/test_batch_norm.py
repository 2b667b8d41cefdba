"""BatchNorm: its equations against others, its running averages, and what refuses it."""

import logging
import pickle

import numpy as np
import pytest

import bpx
from bpx import inspect, privacy
from bpx.interop import spectrum
from bpx.layers import BatchNorm, Context
from bpx.layers.batch_norm import BatchNormParameters, BatchNormSaved
from bpx.program.contract import leaves, named_leaves
from tests.backends import Target, host
from tests.peers import close

N, K = 6, 5
SIZES = [6, 20, 10, 3]
SETTINGS = {"epochs": 3, "batch_size": 7, "optimizer": bpx.Adam(0.01), "lmbda": 0.1, "seed": 1}
LAYER = BatchNorm(K, 0.2, 0.01)
WEIGHTS = np.array([0.5, 1.0, 0.0, 2.0, 0.1, 3.0])[:, None]


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def given(target=Target.NUMPY):
    """Parameters, an input and some g, at the target's home."""
    p = 1.0 + 0.5 * normal(K), normal(K, seed=1), normal(K, seed=2), normal(K, seed=3) ** 2
    arrays = *p, normal(N, K, seed=4), normal(N, K, seed=5)
    *p, x, g = (target.asarray(each, "float64") for each in arrays)
    return BatchNormParameters(*p), x, g


def training(r=None, target=Target.NUMPY):
    return Context(True, r=None if r is None else target.asarray(r, "float64"))


def network(target=Target.NUMPY, dtype="float64", **settings):
    settings = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"} | settings
    return target.network(SIZES, norm="batch", seed=0, dtype=dtype, **settings)


def samples(n=45):  # of two shapes: the last batch is ragged
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 6)), rng.integers(0, 3, n).astype("int32")


# The equations


def test_its_parameters_begin_as_nothing_is_changed():
    entry = network().parameters.layers[1]
    expected = BatchNormParameters(1.0, 0.0, 0.0, 1.0)
    for one, other in zip(entry, expected, strict=True):
        np.testing.assert_array_equal(one, np.full(20, other))
    assert list(BatchNorm(3).shapes) == ["gamma", "beta", "mean", "variance"]
    assert (BatchNorm(3).momentum, BatchNorm(3).epsilon) == (0.1, 1e-5)


@pytest.mark.parametrize("r", [None, WEIGHTS], ids=["equal", "weighted"])
def test_a_unit_is_standardised_over_the_batch(target, r):
    p, x, _ = given(target)
    saved, fed = LAYER.forward(p, x, training(r, target)), host(x)
    share = np.full((N, 1), 1.0 / N) if r is None else r / r.sum()
    mean = (share * fed).sum(axis=0)
    variance = (share * (fed - mean) ** 2).sum(axis=0)
    x_hat = (fed - mean) / np.sqrt(variance + 0.01)
    close(saved.x_hat, x_hat)
    close(saved.a, host(p.gamma) * x_hat + host(p.beta))
    close(saved.mean, mean)
    close(saved.variance, variance / (1.0 - (share**2).sum()))


def test_outside_training_the_averages_stand_in(target):
    p, x, g = given(target)
    saved = LAYER.forward(p, x, Context())
    gamma, beta, mean, variance = map(host, p)
    rho = 1.0 / np.sqrt(variance + 0.01)
    close(saved.a, gamma * rho * (host(x) - mean) + beta)
    close(LAYER.send_back(p, saved, LAYER.error(saved, g)), gamma * rho * host(g))
    alone = LAYER.forward(p, x[:1, :], Context())
    np.testing.assert_array_equal(host(alone.a), host(saved.a)[:1])


def test_against_pytorchs_layer_over_several_steps():
    torch = pytest.importorskip("torch")
    p, x, g = given()
    theirs = torch.nn.BatchNorm1d(K, 0.01, momentum=0.2, dtype=torch.float64)
    state = dict(zip(("weight", "bias", "running_mean", "running_var"), p, strict=True))
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    for step in range(4):
        fed = torch.from_numpy(x + step).requires_grad_()
        theirs.zero_grad()
        a = theirs(fed)
        a.backward(torch.from_numpy(g))
        saved = LAYER.forward(p, x + step, training())
        delta = LAYER.error(saved, g)
        found = saved.gradients(1.0, delta)
        close(saved.a, a.detach().numpy())
        close(LAYER.send_back(p, saved, delta), fed.grad.numpy())
        close(found.gamma, theirs.weight.grad.numpy())
        close(found.beta, theirs.bias.grad.numpy())
        p = LAYER.averaged(p, saved)
        close(p.mean, theirs.running_mean.numpy())
        close(p.variance, theirs.running_var.numpy())
    theirs.eval()
    close(LAYER.forward(p, x, Context()).a, theirs(torch.from_numpy(x)).detach().numpy())


def by_torch(p, x, g, r):
    torch = pytest.importorskip("torch")
    with torch.enable_grad():
        gamma, beta, fed = (
            torch.from_numpy(each).requires_grad_() for each in (p.gamma, p.beta, x)
        )
        context = Context(True, r=None if r is None else torch.from_numpy(r))
        a = LAYER.forward(p._replace(gamma=gamma, beta=beta), fed, context).a
        (torch.from_numpy((1.0 if r is None else r) * g) * a).sum().backward()
    return [each.grad.numpy() for each in (gamma, beta, fed)]


def by_jax(p, x, g, r):
    jax = pytest.importorskip("jax")

    def summed(gamma, beta, fed):
        moved = p._replace(gamma=gamma, beta=beta)
        context = Context(True, r=None if r is None else jax.numpy.asarray(r))
        return ((1.0 if r is None else r) * g * LAYER.forward(moved, fed, context).a).sum()

    with jax.enable_x64(True):
        return [np.asarray(each) for each in jax.grad(summed, (0, 1, 2))(p.gamma, p.beta, x)]


@pytest.mark.parametrize("r", [None, WEIGHTS], ids=["equal", "weighted"])
@pytest.mark.parametrize("autodiff", [by_torch, by_jax], ids=["torch.autograd", "jax.grad"])
def test_against_autodiff_of_the_forward_pass(autodiff, target, r):
    """With weights, too: r times what is sent back is the derivative by the input."""
    host_p, x, g = given()
    gamma, beta, sent = autodiff(host_p, x, g, r)
    p, fed, g_home = given(target)
    saved = LAYER.forward(p, fed, training(r, target))
    delta = LAYER.error(saved, g_home)
    found = saved.gradients(1.0 if r is None else target.asarray(r, "float64"), delta)
    close(found.gamma, gamma)
    close(found.beta, beta)
    assert (found.mean, found.variance) == (None, None)
    close((1.0 if r is None else r) * host(LAYER.send_back(p, saved, delta)), sent)


def test_a_sample_of_weight_0_has_no_influence():
    p, x, g = given()
    changed = x.copy()
    changed[2] += 100.0
    for_others = np.arange(N) != 2
    one, other = (LAYER.forward(p, each, training(WEIGHTS)) for each in (x, changed))
    np.testing.assert_array_equal(one.a[for_others], other.a[for_others])
    np.testing.assert_array_equal(one.mean, other.mean)
    sent = LAYER.send_back(p, other, g)
    np.testing.assert_array_equal(LAYER.send_back(p, one, g)[for_others], sent[for_others])


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_weights_that_are_0_but_for_one_are_finite(weight):
    """If all are 0 they count equally; with one of them there is no variance."""
    p, x, g = given()
    r = np.zeros((N, 1))
    r[3] = weight
    saved = LAYER.forward(p, x, training(r))
    if not weight:
        close(saved.a, LAYER.forward(p, x, training()).a)
    after = *LAYER.averaged(p, saved), LAYER.send_back(p, saved, g)
    assert all(np.isfinite(each).all() for each in after)


def test_the_averages_stay_where_one_sample_has_all_weight(target):
    p, x, _ = given(target)
    r = np.zeros((N, 1))
    r[3] = 2.0
    for weights, stay in ((r, True), (WEIGHTS, False)):
        saved = LAYER.forward(p, x, training(weights, target))
        after = LAYER.averaged(p, saved)
        for one, other in ((after.mean, p.mean), (after.variance, p.variance)):
            assert (host(one) == host(other)).all() == stay


def test_a_batch_of_one_sample_is_refused():
    p, x, _ = given()
    said = "mini-batch of 1 sample was given to a 'batch_norm' layer.* expected at least 2"
    with pytest.raises(bpx.InputError, match=said):
        LAYER.forward(p, x[:1], training())


# In training


@pytest.mark.parametrize(
    ("optimizer", "dtype"),
    [
        ("adam", "float32"), ("adam", "float64"), ("nesterov", "float64"), ("kp", "float64"),
        ("weighted", "float64"),
    ],
)  # fmt: skip
def test_every_engine_fuses_it(target, dtype, optimizer, caplog):
    """The log says when a step cannot be compiled: it says nothing."""
    (x, y), rule = samples(), bpx.SGD(0.05, momentum=0.9, nesterov=True)
    more = {"optimizer": rule} if optimizer == "nesterov" else {}
    if optimizer == "weighted":
        more["sample_weight"] = np.random.default_rng(3).uniform(0.1, 2.0, len(x))
    how = {"feedback": "kp"} if optimizer == "kp" else {"dropout": 0.2}
    how["hidden"] = "tanh"  # a relu that is always on hides its bias, and Adam divides noise
    nets = [network(target, dtype, **how) for _ in range(2)]
    with caplog.at_level(logging.WARNING, "bpx"):
        nets[0].fit(x, y, **SETTINGS | more, compile=target.value.compile)
    assert not caplog.records
    nets[1].fit(x, y, **SETTINGS | more, compile=False)
    there = network(dtype=dtype, **how)
    there.fit(x, y, **SETTINGS | more, compile=False)
    within = {"float32": 2e-4, "float64": 1e-11}[dtype]
    for a, b, c in zip(*(leaves(n.parameters) for n in (*nets, there)), strict=True):
        for one, other in ((a, b), (b, c)):
            off = np.linalg.norm(host(one) - host(other))
            assert off <= within * np.linalg.norm(host(other))
    entry = nets[0].parameters.layers[1]
    begun = BatchNormParameters(1.0, 0.0, 0.0, 1.0)
    for one, start in zip(entry, begun, strict=True):
        assert abs(host(one) - start).max() > 1e-3


def test_numba_fuses_it_too(monkeypatch, caplog):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    x, y = samples()
    net, eager = network(), network()
    with caplog.at_level(logging.WARNING, "bpx"):
        net.fit(x, y, **SETTINGS)
    assert not caplog.records
    eager.fit(x, y, **SETTINGS, compile=False)
    for a, b in zip(leaves(net.parameters), leaves(eager.parameters), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_against_pytorchs_network_over_an_epoch():
    """The whole: steps, averages, and the predictions after."""
    torch = pytest.importorskip("torch")
    nn, (x, y) = torch.nn, samples(42)
    sizes = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy", "norm": "batch"}
    net = bpx.Network([6, 8, 3], **sizes, seed=0, dtype="float64")
    theirs = nn.Sequential(
        nn.Linear(6, 8), nn.Tanh(), nn.BatchNorm1d(8), nn.Linear(8, 3)
    ).double()
    names = {
        "gamma": "weight",
        "beta": "bias",
        "mean": "running_mean",
        "variance": "running_var",
    }
    state = {f"2.{names[n]}": v for n, v in net.parameters.layers[1]._asdict().items()}
    for place, w, b in zip((0, 3), net.weights, net.biases, strict=True):
        state |= {f"{place}.weight": w, f"{place}.bias": b}
    theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
    optimizer = torch.optim.SGD(theirs.parameters(), 0.5)
    for rows in range(0, 42, 7):
        optimizer.zero_grad()
        fed, labels = torch.from_numpy(x[rows : rows + 7]), torch.from_numpy(y[rows : rows + 7])
        nn.functional.cross_entropy(theirs(fed), labels.long()).backward()
        optimizer.step()
    how = {"epochs": 1, "batch_size": 7, "optimizer": bpx.SGD(0.5), "shuffle": False}
    net.fit(x, y, **how, seed=0)
    found = net.parameters.layers[1]
    for field, name in names.items():
        close(getattr(found, field), theirs.state_dict()[f"2.{name}"].numpy())
    outputs = theirs.eval()(torch.from_numpy(x)).softmax(dim=-1).detach().numpy()
    close(net.predict(x), outputs)


def test_no_penalty_falls_on_it_and_the_optimizer_does_not_see_its_averages():
    net, (x, y) = network(), samples()
    run = bpx.train(net, (x, y), epochs=1, batch_size=9, optimizer=bpx.AdamW(0.01), seed=0)
    next(run)
    moments = run.state.optimizer.m
    assert moments.layers[1]._fields == BatchNormParameters._fields
    assert moments.layers[1].mean is moments.layers[1].variance is None
    assert {"gamma[0]", "beta[0]"} <= {place for place, _ in named_leaves(moments)}
    one, other = network(), network()
    for each, lmbda in ((one, 0.0), (other, 9.0)):
        how = {"epochs": 1, "batch_size": 9, "optimizer": bpx.SGD(0.5), "lmbda": lmbda}
        each.fit(x[:9], y[:9], **how, seed=0)
    for a, b in zip(one.parameters.layers[1], other.parameters.layers[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_its_averages_are_in_the_state_and_are_continued_from():
    """Training for 1 + 2 epochs, by way of the state, is training for 3."""
    x, y = samples()
    whole, parts = network(), network()
    whole.fit(x, y, **SETTINGS)
    run = bpx.train(parts, (x, y), **SETTINGS)
    next(run)
    kept = pickle.loads(pickle.dumps(run.state))
    again = network()
    run = bpx.train(again, (x, y), **SETTINGS)
    run.state = kept
    list(run)
    for a, b in zip(leaves(again.parameters), leaves(whole.parameters), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_trainers_step(weighted, target):
    """The trace is of training, so that its gradients are the batch's."""
    net, (x, y) = network(target), samples(8)
    r = np.linspace(0.01, 0.3, 8) if weighted else None
    trainer = bpx.Trainer(net, optimizer=bpx.SGD(0.1), seed=0, compile=target.value.compile)
    before = [host(p) for p in leaves(net.parameters)]
    trace = trainer.step(x, y, r, trace=True)
    assert trace.layers[1].mean is not None
    other = network(target)
    bpx.Trainer(other, optimizer=bpx.SGD(0.1), seed=0, compile=False).step(x, y, r)
    for a, b in zip(leaves(net.parameters), leaves(other.parameters), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-10, atol=1e-12)
    moved = (before[0] - host(net.weights[0])) / 0.1
    np.testing.assert_allclose(moved, host(trace.gradients.w[0]), rtol=1e-7, atol=1e-12)


def test_the_gradient_of_a_weighted_batch_against_differences():
    """By the first weights: C = sum s_x C_x / m of a step, in which s weighs mu and v, too."""
    x, y = samples(9)
    s = np.random.default_rng(4).uniform(0.0, 2.0, 9)
    settings = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"}
    net = bpx.Network([6, 4, 3], norm="batch", **settings, seed=0, dtype="float64")

    def step(w):
        other = bpx.Network([6, 4, 3], norm="batch", **settings, seed=0, dtype="float64")
        other.parameters = bpx.Parameters([other.parameters.layers[0]._replace(w=w), *rest])
        how = {"epochs": 1, "batch_size": 9, "optimizer": bpx.SGD(1.0), "sample_weight": s}
        cost = other.fit(x, y, **how, seed=0)[-1].cost
        return cost, w - other.weights[0]

    _, *rest = net.parameters.layers
    w, h, way = net.weights[0], 1e-6, normal(4, 6)
    slope = (step(w + h * way)[0] - step(w - h * way)[0]) / (2.0 * h)
    np.testing.assert_allclose((step(w)[1] * way).sum(), slope, rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "more", "said"),
    [
        (11, {}, r"batch_size=11 .* 45 samples, and layer 2, 'batch_norm', .* last mini-batch "
                 r"would have 1; choose another batch_size, or pass drop_last=True"),
        (1, {}, "needs at least 2 in each mini-batch, but the mini-batches would have 1"),
        (1, {"drop_last": True}, "the mini-batches would have 1; choose another batch_size$"),
    ],
)  # fmt: skip
def test_a_single_sample_at_the_end_is_refused_before_training(size, more, said):
    net, (x, y) = network(), samples()
    how = SETTINGS | {"batch_size": size}
    with pytest.raises(bpx.InputError, match=said):
        bpx.train(net, (x, y), **how, **more)


@pytest.mark.parametrize(("size", "more"), [(11, {"drop_last": True}), (45, {}), (9, {})])
def test_others_are_not(size, more):
    net, (x, y) = network(), samples()
    assert len(net.fit(x, y, **SETTINGS | {"batch_size": size}, **more)) == 3


# What refuses it


DOORS = {
    "gradient_norms": lambda n, x, y, t: inspect.gradient_norms(t),
    "layer_norms": lambda n, x, y, t: inspect.layer_norms(t),
    "inner_products": lambda n, x, y, t: inspect.inner_products(t),
    "individual_gradients": lambda n, x, y, t: list(inspect.individual_gradients(t)),
    "moments": lambda n, x, y, t: inspect.moments(t),
    "gradient_diversity": lambda n, x, y, t: inspect.gradient_diversity(t),
    "tracin": lambda n, x, y, t: inspect.tracin(n, (x, y), (x, y)),
    "grand": lambda n, x, y, t: inspect.grand(n, x, y),
    "output_traces": lambda n, x, y, t: list(
        inspect.output_traces(n.spec, n.parameters, t)
    ),
    "neural_tangent_kernel": lambda n, x, y, t: inspect.neural_tangent_kernel(
        n.spec, n.parameters, t
    ),
    "hessian_vector_product": lambda n, x, y, t: inspect.hessian_vector_product(
        n, x, y, n.parameters
    ),
    "ggn_vector_product": lambda n, x, y, t: inspect.ggn_vector_product(n, x, y, n.parameters),
    "fisher_vector_product": lambda n, x, y, t: inspect.fisher_vector_product(
        n, x, y, n.parameters
    ),
    "empirical_fisher_vector_product": lambda n, x, y, t: (
        inspect.empirical_fisher_vector_product(t, t.gradients)
    ),
    "ggn_diagonal": lambda n, x, y, t: inspect.ggn_diagonal(n, x, y),
    "kfac": lambda n, x, y, t: inspect.kfac(n, x, y),
    "kfac, empirical": lambda n, x, y, t: inspect.kfac(n, x, y, kind="empirical"),
    "input_gradients": lambda n, x, y, t: inspect.input_gradients(n, x, y),
    "input_jacobian": lambda n, x, y, t: inspect.input_jacobian(n, x),
    "input_gradient_product": lambda n, x, y, t: inspect.input_gradient_product(n, x, y, x),
    "clip_factors": lambda n, x, y, t: privacy.clip_factors(t, 1.0),
    "clipped_sum": lambda n, x, y, t: privacy.clipped_sum(t, 1.0),
    "clipped_backprop": lambda n, x, y, t: privacy.clipped_backprop(
        n.spec, n.parameters, x, y, 1.0
    ),
    "private training": lambda n, x, y, t: n.fit(
        x, y, epochs=1, batch_size=5, optimizer=bpx.SGD(0.1),
        privacy=privacy.DPSGD(noise_multiplier=1.0, seed=0),
    ),
    "operator": lambda n, x, y, t: spectrum.curvature_operator(n, x, y, kind="hessian"),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_what_needs_each_samples_gradient_refuses_it_by_name(door):
    net, (x, y) = network(), samples(12)
    trace = net.backprop(x, y)
    with pytest.raises(
        bpx.InputError, match=r"(layer 2, 'batch_norm',|saves BatchNormSaved) couples the sampl"
    ):
        DOORS[door](net, x, y, trace)


def test_every_door_of_inspect_is_among_these_or_needs_no_gradient_of_a_sample():
    """A new function of traces is tried here, too."""
    free = {
        "Alignment", "Finding", "Health", "KroneckerFactors", "Limits", "Moments", "Report",
        "Response", "Row", "check", "dead_units", "diagnose", "el2n", "error_norms", "examine",
        "flatten", "gradient_alignment", "input_sizes", "learning_speeds",
        "matrix_alignment", "output_response", "plots", "saturation", "two_sided",
        "unflatten", "update_ratios",
    }  # fmt: skip
    assert set(inspect.__all__) - free <= set(DOORS)


# Around it


def test_its_equations_and_those_around_it_are_right(target):
    report = inspect.check(network(target))
    assert report.ok, str(report)
    named = {row.equation for row in report.rows if row.part == "batch_norm"}
    assert named == {"BP2", "BP4"}
    assert "gradient" in {row.equation for row in report.rows}
    assert any("layer 2, 'batch_norm', couples the samples" in note for note in report.notes)


@pytest.mark.parametrize("equation", ["BP2", "BP4"])
def test_a_wrong_equation_is_found(monkeypatch, equation):
    wrong = {"BP2": (BatchNorm, "send_back"), "BP4": (BatchNormSaved, "gradients")}[equation]
    right = getattr(*wrong)

    def off(*arguments):
        found = right(*arguments)
        if isinstance(found, BatchNormParameters):
            return found._replace(gamma=1.01 * found.gamma)
        return found + 0.01 * namespace_sum(found)

    def namespace_sum(x):
        return x.sum(axis=-2, keepdims=True)

    monkeypatch.setattr(*wrong, off)
    report = inspect.check(network())
    assert not report.ok
    assert equation in {row.equation for row in report.wrong if row.part == "batch_norm"}


def test_health_and_flat_vectors():
    net, (x, y) = network(), samples()
    net.fit(x, y, **SETTINGS)
    health = inspect.examine(net, x, y)
    assert health.activations == ("relu", "relu", "softmax")
    gradient = net.backprop(x, y).gradients
    flat = inspect.flatten(gradient)
    assert flat.size == inspect.flatten(net.parameters).size - 2 * (20 + 10)
    back = inspect.unflatten(flat, gradient)
    assert back.layers[1].mean is None
    for one, other in zip(leaves(back), leaves(gradient), strict=True):
        np.testing.assert_array_equal(one, other)
    assert "mean" not in repr(gradient)
    assert "mean (20,) (10,)" in repr(net.parameters)


def test_it_is_saved_with_its_averages(tmp_path):
    net, (x, y) = network(dropout=0.1), samples()
    net.fit(x, y, **SETTINGS)
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net")
    assert again.spec == net.spec
    np.testing.assert_array_equal(again.predict(x), net.predict(x))
    copied = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(copied.predict(x), net.predict(x))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0,), "width=0 was given; expected a whole number of at least 1"),
        ((3, 0.0), r"momentum=0.0 was given; expected a number in \(0, 1\]"),
        ((3, 1.1), "momentum=1.1 was given"),
        ((3, 0.1, 0.0), "epsilon=0.0 was given; expected a positive number"),
    ],
)
def test_what_it_cannot_be_made_of_is_refused(arguments, said):
    with pytest.raises(bpx.InputError, match=said):
        BatchNorm(*arguments)
