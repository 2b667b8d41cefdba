"""Training on weighted samples: what it comes to, on every backend and compiled."""

import numpy as np
import pytest

import bpx
from tests.backends import host

N, BATCH, ETA = 23, 5, 0.3
FULL = {"epochs": 1, "batch_size": N, "optimizer": bpx.SGD(1.0), "shuffle": False}


def samples(n=N):
    rng = np.random.default_rng(3)
    return rng.random((n, 5)), rng.integers(0, 3, n)


def weights(n=N):
    return np.random.default_rng(4).integers(0, 4, n) / 2


def network(target, **settings):
    settings = {"output": "softmax", "cost": "cross_entropy", **settings}
    return target.network([5, 4, 3], hidden="tanh", seed=0, dtype="float64", **settings)


def parameters(net):
    return [host(each) for each in (*net.weights, *net.biases)]


def moved(target, x, y, **given):
    """What a step on all samples at once, with eta = 1, subtracts: the gradient."""
    net = network(target)
    before = parameters(net)
    settings = {**FULL, "batch_size": len(y), "compile": target.value.compile}
    net.fit(x, y, **settings, **given)
    return [b - a for b, a in zip(before, parameters(net), strict=True)]


def check_alike(found, expected, rtol=1e-10):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-14)


def by_hand(target, x, y, s):
    """An epoch of the book's steps in the samples' own order, a ragged batch at the end."""
    net, cost, right = network(target), 0.0, 0.0
    for start in range(0, len(y), BATCH):
        part = slice(start, start + BATCH)
        m = len(y[part])
        arrays = (
            target.asarray(x[part], "float64"),
            target.asarray(y[part], "int32"),
        )
        r = target.asarray(s[part, None] / m, "float64")
        trace = net.backprop(*arrays, r=r)
        cost += float((s[part] * host(trace.cost)).sum())
        right += float((s[part] * (host(trace.a[-1]).argmax(1) == y[part])).sum())
        gradients = trace.gradients
        net.parameters = tuple(
            [host(p) - ETA * host(g) for p, g in zip(these, of, strict=True)]
            for these, of in ((net.weights, gradients.w), (net.biases, gradients.b))
        )
    return parameters(net), cost / len(y), right / s.sum()


def test_an_epoch_is_that_of_the_equations_with_these_row_weights(target):
    """A ragged last batch is divided by its own size; the record is of what is descended."""
    (x, y), s, net = samples(), weights(), network(target)
    settings = {"epochs": 1, "batch_size": BATCH, "optimizer": bpx.SGD(ETA), "shuffle": False}
    settings |= {"compile": target.value.compile, "sample_weight": s}
    (epoch,) = net.fit(x, y, **settings)
    expected, cost, accuracy = by_hand(target, x, y, s)
    check_alike(parameters(net), expected)
    assert epoch.cost == pytest.approx(cost, rel=1e-10)
    assert epoch.accuracy == pytest.approx(accuracy, rel=1e-10)


def test_a_sample_that_counts_twice_is_there_twice(target):
    (x, y), s = samples(), np.ones(N)
    s[[2, 7, 11]] = 2.0
    more = [*range(N), 2, 7, 11]
    weighted = moved(target, x, y, sample_weight=s)
    repeated = moved(target, x[more], y[more])
    check_alike([N * g for g in weighted], [len(more) * g for g in repeated])


def test_a_sample_that_does_not_count_is_not_there(target):
    (x, y), s = samples(), np.ones(N)
    s[[0, 5, 22]] = 0.0
    kept = np.flatnonzero(s)
    weighted = moved(target, x, y, sample_weight=s)
    fewer = moved(target, x[kept], y[kept])
    check_alike([N * g for g in weighted], [len(kept) * g for g in fewer])


def test_weights_of_1_change_nothing(target):
    x, y = samples()
    settings = {"epochs": 2, "batch_size": BATCH, "optimizer": bpx.Adam(0.01), "seed": 1}
    settings |= {"compile": target.value.compile}
    nets, epochs = [network(target), network(target)], []
    for net, s in zip(nets, (None, np.ones(N)), strict=True):
        epochs.append(net.fit(x, y, **settings, sample_weight=s)[-1])
    check_alike(*map(parameters, nets))
    assert epochs[0].cost == pytest.approx(epochs[1].cost, rel=1e-12)
    assert epochs[0].accuracy == epochs[1].accuracy


def test_class_weights_are_weights_of_their_samples(target):
    (x, y), s = samples(), weights()
    given = {0: 2.0, 2: 0.5}
    each = np.array([2.0, 1.0, 0.5])[y]
    found = moved(target, x, y, sample_weight=s, class_weight=given)
    check_alike(found, moved(target, x, y, sample_weight=s * each))


@pytest.mark.parametrize("rest", [{}, {"drop_last": True}], ids=["ragged", "dropped"])
def test_the_accuracy_is_a_share_of_the_weights_that_were_seen(target, rest):
    """All answers are right: the share is 1, whatever was left out."""
    x, y, net = np.eye(3)[np.arange(N) % 3], np.arange(N) % 3, target.network([3, 3], seed=0)
    net.parameters = [10.0 * np.eye(3)], [np.zeros(3)]
    settings = {"epochs": 1, "batch_size": BATCH, "optimizer": bpx.SGD(1e-6), "shuffle": False}
    (epoch,) = net.fit(
        x, y, **settings, **rest, sample_weight=np.arange(N) / 7, compile=target.value.compile
    )
    assert epoch.accuracy == 1.0


def test_validation_samples_have_weights_of_their_own(target):
    (x, y), s = samples(), weights()
    net = network(target)
    settings = {**FULL, "compile": target.value.compile, "metrics": ["absolute_error"]}
    (epoch,) = net.fit(x, y, **settings, validation=(x, y, s), class_weight={0: 9.0})
    expected = net.evaluate(x, y, metrics=["absolute_error"], sample_weight=s)
    assert epoch.validation == expected
    assert epoch.validation.metrics == expected.metrics
    assert expected != net.evaluate(x, y)


def test_progress_before_anything_counts_has_no_accuracy(target):
    (x, y), s, told = samples(), np.zeros(N), []
    s[-1] = 1.0
    settings = {"epochs": 1, "batch_size": 1, "optimizer": bpx.SGD(0.1), "shuffle": False}
    settings |= {"progress": told.append, "compile": target.value.compile}
    (epoch,) = network(target).fit(x, y, **settings, sample_weight=s)
    assert told[0].cost == 0.0
    assert told[0].accuracy != told[0].accuracy  # NaN
    assert epoch.accuracy in (0.0, 1.0)


def test_the_penalty_is_of_the_number_of_samples(target):
    (x, y), s = samples(), weights()
    plain = moved(target, x, y, sample_weight=s)
    penalised = moved(target, x, y, sample_weight=s, lmbda=2.0)
    net = network(target)
    decayed = [2.0 / N * host(w) for w in net.weights] + [0.0 * host(b) for b in net.biases]
    check_alike(penalised, [g + d for g, d in zip(plain, decayed, strict=True)])


def test_pytorch_has_the_same_gradient(target):
    """``CrossEntropyLoss(weight=...)``, summed and divided by n as bpx divides."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    (x, y), s, each = samples(), weights(), [2.0, 1.0, 0.25]
    net = network(target)
    w, b = ([torch.tensor(host(p), requires_grad=True) for p in group]
            for group in (net.weights, net.biases))  # fmt: skip
    hidden = torch.tanh(torch.tensor(x) @ w[0].T + b[0])
    loss = torch.nn.CrossEntropyLoss(
        weight=torch.tensor(each, dtype=torch.float64), reduction="none"
    )
    costs = torch.tensor(s) * loss(hidden @ w[1].T + b[1], torch.tensor(y))
    (costs.sum() / N).backward()
    found = moved(target, x, y, sample_weight=s, class_weight=dict(enumerate(each)))
    check_alike(found, [p.grad.numpy() for p in (*w, *b)])
    assert costs.sum().item() / N == pytest.approx(
        net.evaluate(x, y, sample_weight=s * np.array(each)[y]).cost, rel=1e-12
    )


def test_a_linear_model_comes_to_weighted_least_squares():
    """Whose normal equations are X^T S X w = X^T S y."""
    rng = np.random.default_rng(0)
    x, s = rng.normal(size=(60, 3)), rng.random(60) * 3
    y = x @ [1.0, -2.0, 0.5] + 0.3 + rng.normal(size=60)
    net = bpx.Network([3, 1], output="identity", seed=0, dtype="float64")
    settings = {"epochs": 400, "batch_size": 60, "optimizer": bpx.SGD(0.3)}
    history = net.fit(x, y, **settings, sample_weight=s)
    ones = np.c_[x, np.ones(60)]
    expected = np.linalg.solve(ones.T @ (s[:, None] * ones), ones.T @ (s * y))
    np.testing.assert_allclose(
        np.r_[net.weights[0][0], net.biases[0]], expected, rtol=1e-6, atol=1e-8
    )
    residuals = y - ones @ expected
    assert history[-1].cost == pytest.approx((s * residuals**2).sum() / 120, rel=1e-6)
    assert history[-1].accuracy is None
