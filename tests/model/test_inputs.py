"""Bad input: each a clear error of our own, with nothing changed."""

import numpy as np
import pytest

import bpx
from bpx.model.inputs import inputs, rows_at_once, samples
from tests.backends import assert_at_home, host

N, K0, K = 8, 4, 3


def good():
    rng = np.random.default_rng(0)
    return rng.random((N, K0)), rng.integers(0, K, N)


def with_value(x, row, value):
    x = np.array(x, dtype=float)
    x[row, ...] = value
    return x


def sparse(x):
    scipy = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    return scipy.csr_matrix(x)


BAD = {
    "x of another width": (lambda x, y: (x[:, :3], y), r"\(8, 3\); expected \(n, 4\)"),
    "x of rank 1": (lambda x, y: (x[0], y), r"x\[None, :\]"),
    "x of rank 3": (lambda x, y: (x[None], y), r"\(1, 8, 4\)"),
    "empty": (lambda x, y: (x[:0], y[:0]), "empty"),
    "y shorter": (lambda x, y: (x, y[:5]), "8 samples, but y has shape"),
    "y of another width": (lambda x, y: (x, np.ones((N, 5))), r"\(8, 5\); expected"),
    "y a number": (lambda x, y: (x, 3), "one target for each sample"),
    "label too large": (lambda x, y: (x, with_value(y, 2, 3)), r"y\[2\] is 3.*0 \.\.\. 2"),
    "label negative": (lambda x, y: (x, with_value(y, 1, -1)), r"y\[1\] is -1"),
    "label not whole": (lambda x, y: (x, with_value(y, 7, 0.5)), r"y\[7\] is 0\.5"),
    "label NaN": (lambda x, y: (x, with_value(y, 4, np.nan)), r"y\[4\] is nan"),
    "NaN in x": (lambda x, y: (with_value(x, 5, np.nan), y), "x holds NaN.*row 5"),
    "infinity in x": (lambda x, y: (with_value(x, 6, np.inf), y), "x holds NaN.*row 6"),
    "NaN in y": (lambda x, y: (x, with_value(np.ones((N, K)), 3, np.nan)), "y holds.*row 3"),
    "object": (lambda x, y: (x.astype(object), y), "dtype object"),
    "complex": (lambda x, y: (x + 1j, y), "complex128.*real part"),
    "text": (lambda x, y: (x.astype(str), y), "expected real numbers"),
    "dates": (lambda x, y: (x.astype("M8[s]"), y), "expected real numbers"),
    "masked": (lambda x, y: (np.ma.masked_less(x, 0.5), y), "masked array.*filled"),
    "masked labels": (lambda x, y: (x, np.ma.masked_equal(y, 0)), "y is a masked array"),
    "sparse": (lambda x, y: (sparse(x), y), "sparse.*toarray"),
    "ragged": (lambda x, y: ([[1.0], [1.0, 2.0]], y), "cannot become an array"),
    "nothing": (lambda x, y: (None, y), "dtype object"),
}


@pytest.mark.parametrize("act", ["fit", "train", "evaluate"])
@pytest.mark.parametrize("case", BAD)
def test_bad_samples_are_refused_and_nothing_changes(case, act):
    spoil, said = BAD[case]
    net = bpx.Network([K0, 5, K], seed=0)
    before = net.parameters
    x, y = spoil(*good())
    settings = {"epochs": 1, "batch_size": 2, "optimizer": bpx.SGD(1.0)}
    acts = {
        "fit": lambda: net.fit(x, y, **settings),
        "train": lambda: bpx.train(net, (x, y), **settings),  # at once, not at the first next
        "evaluate": lambda: net.evaluate(x, y),
    }
    with pytest.raises(bpx.InputError, match=said):
        acts[act]()
    assert net.parameters is before


@pytest.mark.parametrize("case", [c for c in BAD if "y" not in c.split() and "label" not in c])
def test_bad_inputs_are_refused_by_predict_and_classify(case):
    spoil, said = BAD[case]
    x, _ = spoil(*good())
    if case == "masked labels":
        pytest.skip("it spoils y alone")
    net = bpx.Network([K0, 5, K], seed=0)
    for act in (net.predict, net.classify, net):
        with pytest.raises(bpx.InputError, match=said):
            act(x)


@pytest.mark.parametrize("case", ["NaN in x", "x of another width", "label too large"])
def test_bad_arrays_of_each_library_are_refused(target, case):
    spoil, said = BAD[case]
    x, y = spoil(*good())
    net = target.network([K0, 5, K], seed=0)
    with pytest.raises(bpx.InputError, match=said):
        net.evaluate(target.asarray(x), target.asarray(y, "int32"))


def test_complex_tensors_and_sparse_tensors_are_refused():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    net = bpx.Network([K0, K], seed=0)
    with pytest.raises(bpx.InputError, match=r"complex.*real numbers"):
        net.predict(torch.ones((2, K0), dtype=torch.complex64))
    with pytest.raises(bpx.InputError, match="sparse"):
        net.predict(torch.eye(K0).to_sparse())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 0}, r"batch_size=0.*1 \.\.\. 8"),
        ({"batch_size": 9}, r"batch_size=9.*1 \.\.\. 8"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"batch_size": True}, "batch_size=True"),
        ({"epochs": 0}, "epochs=0"),
        ({"epochs": -1}, "epochs=-1"),
        ({"optimizer": "sgd"}, r"bpx\.SGD\(eta\)"),
        ({"optimizer": bpx.SGD}, r"bpx\.SGD\(eta\)"),
        ({"lmbda": -1.0}, "lmbda=-1.0"),
        ({"lmbda": float("nan")}, "lmbda=nan"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"validation": good()[0]}, r"pair \(x, y\)"),
        ({"validation": (good()[0], [0])}, "validation x has 8 samples, but validation y"),
    ],
)
def test_bad_settings_are_refused(settings, said):
    net = bpx.Network([K0, K], seed=0)
    usual = {"epochs": 1, "batch_size": 2, "optimizer": bpx.SGD(1.0)}
    with pytest.raises(bpx.InputError, match=said):
        bpx.train(net, good(), **{**usual, **settings})


@pytest.mark.parametrize(
    ("sizes", "settings", "said"),
    [
        ([], {}, "at least two"),
        ([3], {}, "at least two"),
        ([3, 0], {}, "at least 1"),
        ([3, 2.5], {}, "whole"),
        ("ab", {}, "whole"),
        (7, {}, "whole"),
        ([3, 2], {"hidden": "sigmoyd"}, None),
        ([3, 4, 2], {"hidden": "sigmoyd"}, "did you mean 'sigmoid'"),
        ([3, 4, 2], {"hidden": 3}, "bpx.Elementwise"),
        ([3, 2], {"cost": "quadratik"}, "did you mean 'quadratic'"),
        ([3, 2], {"cost": len}, "bpx.Cost"),
        ([3, 2], {"output": "tanh", "cost": "cross_entropy"}, "softmax.*sigmoid"),
        (
            [3, 2],
            {"output": "relu", "cost": "binary_cross_entropy"},
            "needs output='sigmoid'",
        ),
        ([3, 1], {"output": "softmax"}, "always 1"),
        ([3, 4, 2], {"activations": ["relu"]}, "1 activations were given for 2"),
        ([3, 2], {"init": "xavier"}, "known: book"),
        ([3, 2], {"seed": "zero"}, "seed='zero'"),
    ],
)
def test_bad_networks_are_refused(sizes, settings, said):
    if said is None:  # there is no hidden layer for it
        bpx.Network(sizes, **settings)
        return
    with pytest.raises(bpx.InputError, match=said):
        bpx.Network(sizes, **settings)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "bool", "float64"])
def test_whole_numbers_are_cast_and_never_scaled(dtype):
    x, _ = good()
    x = (200 * x).astype(dtype)
    net = bpx.Network([K0, K], seed=0)
    np.testing.assert_array_equal(net.predict(x), net.predict(x.astype("float32")))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "bool", "int16", "float64"])
def test_bytes_are_kept_and_all_else_is_cast(target, dtype):
    x, net = (2 * good()[0]).astype(dtype), target.network([K0, K], seed=0)
    with net.home.active():
        for snapshot in (False, True):
            arrived = inputs(net.home, net.spec, x, snapshot=snapshot)
            kept = str(arrived.dtype).rpartition(".")[2]
            assert kept == (dtype if dtype in ("uint8", "int8", "bool") else "float32")
            np.testing.assert_array_equal(host(arrived), x.astype(kept))


WHOLE = np.array([[0, 3, 1], [2, 5, 4], [1, 1, 1]])
ARRIVING = {
    "labels": (K, "sigmoid", np.array([0, 2, 1]), "int32"),
    "labels, booleans": (2, "sigmoid", np.array([True, False, True]), "int32"),
    "labels, written as floats": (K, "softmax", np.array([0.0, 2.0, 1.0]), "int32"),
    "one-hot rows": (K, "sigmoid", np.eye(K, dtype=int), "int32"),
    "one-hot rows, floats": (K, "softmax", np.eye(K), "int32"),
    "one-hot rows, booleans": (K, "sigmoid", np.eye(K, dtype=bool), "int32"),
    "whole numbers": (K, "identity", WHOLE, None),
    "whole numbers, bytes": (K, "identity", WHOLE.astype("uint8"), None),
    "whole numbers of one output": (1, "identity", np.array([3, 1, 2]), None),
    "whole numbers in a column": (1, "identity", np.array([[3], [1], [2]]), None),
    "0 and 1 of one output": (1, "sigmoid", np.array([0, 1, 1]), None),
    "booleans of one output": (1, "sigmoid", np.array([False, True, True]), None),
    "numbers": (K, "sigmoid", WHOLE / 7.0, None),
    "0 and 1 as numbers": (K, "identity", np.eye(K), None),
}


@pytest.mark.parametrize("snapshot", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", ARRIVING)
def test_a_step_gets_labels_as_int32_and_numbers_in_the_homes_dtype(case, dtype, snapshot):
    """Whole numbers that are no labels too: a cost computes with them."""
    k, output, y, expected = ARRIVING[case]
    net = bpx.Network([K0, k], output=output, cost="quadratic", seed=0, dtype=dtype)
    for given in (y, y.tolist()):
        arrived = samples(net.home, net.spec, np.ones((3, K0)), given, snapshot=snapshot)
        assert str(arrived.y.dtype) == (expected or dtype)
        assert str(arrived.x.dtype) == dtype
        numbers = y.argmax(axis=1) if expected and y.ndim == 2 else y
        np.testing.assert_array_equal(arrived.y, numbers.astype(expected or dtype))


@pytest.mark.parametrize("case", ["labels", "whole numbers", "whole numbers of one output"])
def test_so_it_is_of_each_librarys_own_arrays(target, case):
    k, output, y, expected = ARRIVING[case]
    net = target.network([K0, k], output=output, seed=0)
    with net.home.active():
        x = target.asarray(np.ones((3, K0)))
        arrived = samples(net.home, net.spec, x, target.asarray(y, "int32"))
    assert_at_home(arrived.y, net, expected)


def test_targets_are_looked_at_where_they_are_and_copied_for_a_snapshot_alone(target):
    net = target.network([K0, K], seed=0)
    x, y = target.asarray(good()[0]), target.asarray(np.full((N, K), 0.3))
    labels = target.asarray(good()[1], "int32")
    with net.home.active():
        for given in (y, labels):
            assert samples(net.home, net.spec, x, given).y is given
            taken = samples(net.home, net.spec, x, given, snapshot=True)
            assert (taken.y is given) == net.home.backend.immutable
            assert (taken.x is x) == net.home.backend.immutable


def test_labels_one_hot_rows_and_whole_floats_are_the_same(target):
    x, y = good()
    net = target.network([K0, 5, K], seed=0)
    same = [net.evaluate(x, v) for v in (y, y.astype("float64"), y.tolist(), np.eye(K)[y])]
    assert len(set(same)) == 1
    assert same[0].accuracy is not None


def test_accuracy_is_none_for_real_targets(target):
    x, _ = good()
    y = np.random.default_rng(1).random((N, K))
    found = target.network([K0, K], output="identity", seed=0).evaluate(x, y)
    assert found.accuracy is None
    assert found.cost > 0.0


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_a_single_sigmoid_is_right_above_one_half(target, shape):
    x, _ = good()
    net = target.network([K0, 1], cost="cross_entropy", seed=0, dtype="float64")
    a = host(net.predict(x))[:, 0]
    y = (a > 0.5).astype(float)
    y[:2] = 1.0 - y[:2]
    found = net.evaluate(x, y.reshape(shape))
    assert found.accuracy == (N - 2) / N
    expected = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    assert found.cost == pytest.approx(expected, rel=1e-12)
    assert net.evaluate(x, 0.5 * y).accuracy is None


@pytest.mark.parametrize(
    ("settings", "y", "said"),
    [
        ({"cost": "cross_entropy"}, -0.1, r"is outside \[0, 1\] in row 2"),
        ({"cost": "cross_entropy"}, 1.1, r"is outside \[0, 1\] in row 2"),
        ({"output": "softmax", "cost": "cross_entropy"}, 0.9, "sum to 1 in row 2"),
    ],
)
def test_targets_that_are_no_probabilities_are_refused(settings, y, said):
    x, _ = good()
    targets = np.full((N, K), 1.0 / K)
    targets[2, :] = y
    with pytest.raises(bpx.InputError, match=said):
        bpx.Network([K0, K], seed=0, **settings).evaluate(x, targets)


def test_what_overflows_float32_is_named():
    x, _ = good()
    with np.errstate(over="ignore"), pytest.raises(bpx.InputError, match="row 1"):
        bpx.Network([K0, K], seed=0).predict(with_value(x, 1, 1e300))


BOUNDARIES = {
    "predict": lambda net, x, y: net.predict(x),
    "classify": lambda net, x, y: net.classify(x),
    "evaluate": lambda net, x, y: net.evaluate(x, y).cost,
    "fit": lambda net, x, y: net.fit(x, y, epochs=1, batch_size=2, optimizer=bpx.SGD(1.0)),
    "examine": lambda net, x, y: bpx.inspect.examine(net, x, y),
}


@pytest.mark.parametrize("home", ["numpy", "jax"])
@pytest.mark.parametrize("act", BOUNDARIES)
def test_inside_jax_jit_a_boundary_points_at_the_pure_functions(act, home):
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    net = bpx.Network([K0, 5, K], seed=0, backend=home)
    x, y = (jax.numpy.asarray(each) for each in good())
    x = x.astype("float32")
    with pytest.raises(bpx.InputError, match=r"jax\.jit.*bpx\.forward\(net\.spec, net\.param"):
        jax.jit(lambda x, y: BOUNDARIES[act](net, x, y))(x, y)


def test_inside_jax_the_advice_works():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    net = bpx.Network([K0, 5, K], seed=0, backend="jax")
    x, y = good()
    x, y = jax.numpy.asarray(x, "float32"), jax.numpy.asarray(y, "int32")
    answer, trace = jax.jit(lambda x, y: (*advised(net, x, y),))(x, y)
    np.testing.assert_allclose(answer, net.predict(x), rtol=1e-6)
    assert trace.delta[-1].shape == (N, K)
    assert jax.jit(net.backprop)(x, y).delta[-1].shape == (N, K)
    with pytest.raises(bpx.InputError, match=r"jax\.vmap"):
        jax.vmap(lambda row: net.predict(row[None, :]))(x)
    assert jax.grad(lambda x: net.predict(x).sum())(x).shape == (
        N,
        K0,
    )  # where there are values


def advised(net, x, y):
    """The two expressions in the message, run as they stand."""
    from bpx.arrays.refusals import why_not_traced

    code = why_not_traced("x").rpartition("functions: ")[2]
    first, second = code.split(" for the outputs, and ")
    return [eval(each, {"bpx": bpx, "net": net, "x": x, "y": y}) for each in (first, second)]


@pytest.mark.parametrize("home", ["numpy", "torch"])
@pytest.mark.parametrize("act", ["evaluate", "predict"])
def test_inside_torch_func_a_boundary_points_at_the_pure_functions(act, home):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    net = bpx.Network([K0, 5, K], seed=0, backend=home)
    x, y = (torch.asarray(each) for each in good())

    def one(x, y):
        return BOUNDARIES[act](net, x[None, :], y[None])

    with pytest.raises(
        bpx.InputError, match=r"torch\.func.*bpx\.backprop\(net\.spec, net\.para"
    ):
        torch.func.vmap(one)(x.float(), y)


def test_inside_torch_func_the_advice_works():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    net = bpx.Network([K0, 5, K], seed=0, backend="torch")
    x, y = (torch.asarray(each) for each in good())
    x = x.float()
    each = torch.func.vmap(lambda x, y: advised(net, x[None, :], y[None])[1].delta[-1][0])
    trace = net.backprop(x, y)
    torch.testing.assert_close(each(x, y), trace.delta[-1])
    with_method = torch.func.vmap(lambda x, y: net.backprop(x[None, :], y[None]).delta[-1][0])
    torch.testing.assert_close(with_method(x, y), trace.delta[-1])


@pytest.mark.parametrize("act", ["fit", "evaluate"])
def test_several_targets_for_the_quantiles_of_one_are_refused(act):
    net = bpx.Network([2, 4, 3], output="identity", cost="quantile(0.1, 0.5, 0.9)", seed=0)
    x, y = np.ones((5, 2)), np.arange(15.0).reshape(5, 3)
    settings = {"epochs": 1, "batch_size": 5, "optimizer": bpx.SGD(0.1)}
    given = settings if act == "fit" else {}
    said = r"y has shape \(5, 3\).* expected \(5, 1\), or a network with 9 outputs"
    with pytest.raises(bpx.InputError, match=said):
        getattr(net, act)(x, y, **given)
    one = [y[:, 0], y[:, :1], np.repeat(y[:, :1], 3, axis=1)]
    costs = [net.evaluate(x, each).cost for each in one]
    assert costs[0] == costs[1] == costs[2]
    more = bpx.Network([2, 9], output="identity", cost="quantile(0.1, 0.5, 0.9)", seed=0)
    getattr(more, act)(x, y, **given)


@pytest.mark.parametrize(("n", "found"), [(1, 1), (5, 5), (16, 16), (17, 16), (100, 96)])
def test_parts_of_whole_cache_lines(n, found, monkeypatch):
    net = bpx.Network([3, 2], seed=0)
    monkeypatch.setattr("bpx.model.inputs.AT_ONCE", 16 * 5 * n)
    assert rows_at_once(net.spec) == found
