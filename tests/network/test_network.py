"""The shell: what it holds, what it shows, what it gives back."""

import copy
import pickle

import numpy as np
import pytest

import bpx
from tests.backends import assert_at_home, available, host


def network(target, **settings):
    return target.network([6, 5, 4, 3], seed=1, **settings)


def samples(target, n=7, dtype="float32"):
    rng = np.random.default_rng(2)
    return target.asarray(rng.random((n, 6)), dtype), target.asarray(
        rng.integers(0, 3, n), "int32"
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_backprop_leaves_everything_in_the_open(target, dtype):
    net = network(target, dtype=dtype)
    x, y = samples(target, dtype=dtype)
    trace = net.backprop(x, y)
    assert [tuple(z.shape) for z in trace.z] == [(7, 5), (7, 4), (7, 3)]
    assert [tuple(a.shape) for a in trace.a] == [(7, 6), (7, 5), (7, 4), (7, 3)]
    assert [tuple(d.shape) for d in trace.delta] == [(7, 5), (7, 4), (7, 3)]
    assert tuple(trace.cost.shape) == (7,)
    assert trace.a[0] is x
    for each in (
        *trace.z,
        *trace.a,
        *trace.delta,
        trace.cost,
        *trace.gradients.w,
        *trace.gradients.b,
    ):
        assert_at_home(each, net, dtype)
    for i in range(3):
        delta, a = host(trace.delta[i]), host(trace.a[i])
        np.testing.assert_allclose(
            host(trace.gradients.w[i]), delta.T @ a / 7, rtol=1e-5, atol=1e-7
        )
        np.testing.assert_allclose(
            host(trace.gradients.b[i]), delta.sum(0) / 7, rtol=1e-5, atol=1e-7
        )


def test_forward_is_backprop_without_the_way_back(target):
    net = network(target)
    x, y = samples(target)
    there, back = net.forward(x), net.backprop(x, y)
    for ours, theirs in zip((*there.z, *there.a), (*back.z, *back.a), strict=True):
        np.testing.assert_array_equal(host(ours), host(theirs))


def test_row_weights_enter_where_the_samples_are_summed(target):
    net = network(target, dtype="float64")
    x, y = samples(target, dtype="float64")
    r = np.array([1, 0, 2, 0, 0, 0.5, 0])[:, None]
    weighted = net.backprop(x, y, r=target.asarray(r, "float64"))
    kept = np.flatnonzero(r)
    few = net.backprop(
        target.asarray(host(x)[kept], "float64"), target.asarray(host(y)[kept], "int32"), r=1.0
    )
    expected = sum(
        r[i, 0] * host(few.delta[1])[j][:, None] * host(few.a[1])[j] for j, i in enumerate(kept)
    )
    np.testing.assert_allclose(host(weighted.gradients.w[1]), expected, rtol=1e-12)


def test_predict_call_and_classify(target):
    net = network(target)
    x, _ = samples(target)
    a = net.predict(x)
    np.testing.assert_array_equal(host(a), host(net(x)))
    np.testing.assert_array_equal(host(a), host(net.forward(x).a[-1]))
    np.testing.assert_array_equal(host(net.classify(x)), host(a).argmax(1))
    assert_at_home(net.classify(x), net, "int32")


def test_a_single_output_is_classified_by_one_half(target):
    net = target.network([6, 1], seed=0)
    x, _ = samples(target)
    np.testing.assert_array_equal(host(net.classify(x)), host(net.predict(x))[:, 0] > 0.5)


def test_predictions_come_back_in_the_library_and_on_the_device_of_the_input(target):
    net = network(target)
    for source in available():
        x = source.asarray(np.ones((2, 6)), "float32")
        for result in (net.predict(x), net.classify(x)):
            assert bpx.arrays.registry.backend_of(result) is bpx.arrays.registry.backend_of(x)
            assert bpx.arrays.registry.backend_of(x).device_of(
                result
            ) == bpx.arrays.registry.backend_of(x).device_of(x)
    assert isinstance(net.predict([[0.0] * 6]), np.ndarray)


def test_large_inputs_go_through_in_chunks(target, monkeypatch):
    net = network(target)
    x, y = samples(target, 50)
    whole, evaluation = host(net.predict(x)), net.evaluate(x, y)
    seven = lambda spec, x: (x[i : min(i + 7, 50), ...] for i in range(0, 50, 7))  # noqa: E731
    for module in ("evaluate", "outputs"):
        monkeypatch.setattr(f"bpx.model.{module}.chunks", seven)
    np.testing.assert_allclose(host(net.predict(x)), whole, rtol=1e-6)
    assert net.evaluate(x, y) == pytest.approx(evaluation, rel=1e-6)


def test_chunks_cover_all_rows_within_their_memory():
    from bpx.model.inputs import chunks

    spec = bpx.Network([4000, 4096, 10], seed=0).spec
    parts = list(chunks(spec, np.arange(5000)))
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(5000))
    assert max(map(len, parts)) * (4000 + 4096 + 10) * 16 <= 2**26
    (whole,) = chunks(bpx.Network([2, 1]).spec, parts[0])
    assert whole is parts[0]


MIXED = {
    "another dtype": (lambda x, y: (x.astype("float64"), y), "float64.*float32"),
    "whole numbers": (lambda x, y: (x.astype("int32"), y), "dtype='float32'"),
    "targets of another dtype": (lambda x, y: (x, np.ones((7, 3))), "y is numpy float64"),
}


@pytest.mark.parametrize("case", MIXED)
def test_mixed_dtypes_are_refused_below_the_boundary(case):
    spoil, said = MIXED[case]
    net = bpx.Network([6, 3], seed=0)
    x, y = spoil(np.ones((7, 6), "float32"), np.zeros(7, "int32"))
    with pytest.raises(bpx.MixedArraysError, match=said):
        net.backprop(x, y)


def test_mixed_libraries_and_devices_are_refused_and_the_advice_mends_it(target):
    net = network(target)
    x, y = samples(target)
    for source in available():
        if source.spec == target.spec:
            continue
        foreign = source.asarray(host(x), "float32")
        with pytest.raises(
            bpx.MixedArraysError, match=r"bpx\.move_to\(x, like=net\.weights"
        ) as e:
            net.forward(foreign)
        names = [bpx.arrays.registry.backend_of(a).name for a in (foreign, x)]
        assert all(name in str(e.value) for name in names)
        with pytest.raises(bpx.MixedArraysError, match="y is"):
            net.backprop(x, source.asarray(host(y), "int32"))
        mended = eval(
            "bpx.move_to(x, like=net.weights[0])", {"bpx": bpx, "x": foreign, "net": net}
        )
        np.testing.assert_array_equal(host(net.forward(mended).a[-1]), host(net.predict(x)))


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ((7, 5), (7,), r"\(7, 5\); expected \(n, 6\)"),
        ((6,), (7,), r"x\)?\[None, :\]"),
        ((0, 6), (0,), "n >= 1"),
        ((7, 6), (6,), r"\(6,\) for 7 samples"),
        ((7, 6), (7, 2), r"\(7, 2\) for 7 samples"),
        ((7, 6), (7, 3, 1), "for 7 samples"),
    ],
)
def test_wrong_shapes_are_refused_below_the_boundary(target, x, y, said):
    net = target.network([6, 3], seed=0)
    arrays = target.asarray(np.zeros(x)), target.asarray(np.zeros(y), "int32")
    with pytest.raises(bpx.InputError, match=said):
        net.backprop(*arrays)


def test_float_labels_are_refused_below_the_boundary(target):
    net = target.network([6, 3], seed=0)
    with pytest.raises(bpx.InputError, match="labels for 3 outputs are integers"):
        net.backprop(target.asarray(np.zeros((7, 6))), target.asarray(np.zeros(7)))


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_out_of_range_are_refused(target, label):
    net = target.network([6, 3], seed=0)
    x, y = target.asarray(np.zeros((2, 6))), target.asarray([0, label], "int32")
    with pytest.raises(bpx.InputError, match=rf"y\[1\] is {label}"):
        net.backprop(x, y)


def test_what_is_no_array_is_refused_below_the_boundary():
    net = bpx.Network([2, 2], seed=0)
    with pytest.raises(bpx.MixedArraysError, match=r"x is a builtins\.list.*bpx\.move_to\(x"):
        net.forward([[0.0, 1.0]])
    x = bpx.move_to([[0.0, 1.0]], like=net.weights[0])
    with pytest.raises(bpx.MixedArraysError, match=r"r is a builtins\.list"):
        net.backprop(x, np.zeros(1, "int32"), r=[1.0])


def test_numbers_are_not_classified():
    with pytest.raises(bpx.InputError, match=r"'identity'.*use predict"):
        bpx.Network([2, 1], output="identity", seed=0).classify([[0.0, 1.0]])


def test_the_pure_functions_run_under_jit_and_grad():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    net = bpx.Network(
        [6, 5, 3],
        output="softmax",
        cost="cross_entropy",
        seed=0,
        backend="jax:cpu",
        dtype="float64",
    )
    rng = np.random.default_rng(0)
    x = bpx.asarray(rng.random((4, 6)), backend="jax:cpu")
    y = bpx.asarray([0, 1, 2, 1], backend="jax:cpu", dtype="int32")

    def gradients(parameters, x, y):
        return bpx.backprop(net.spec, parameters, x, y).gradients

    def cost(parameters):
        return bpx.backprop(net.spec, parameters, x, y).cost.mean()

    plain = net.backprop(x, y).gradients
    theirs = jax.grad(cost)(net.parameters)
    for ours, jitted, derived in zip(
        plain.w, jax.jit(gradients)(net.parameters, x, y).w, theirs.w, strict=True
    ):
        np.testing.assert_allclose(ours, jitted, rtol=1e-12)
        np.testing.assert_allclose(ours, derived, rtol=1e-10, atol=1e-14)


def test_a_move_is_all_or_nothing(target):
    net = network(target)
    before, home = net.parameters, net.home
    with pytest.raises(bpx.BackendError):
        net.to("strict:device9")
    with pytest.raises(bpx.InputError):
        net.to(dtype="float16")
    assert net.parameters is before
    assert net.home is home


def test_to_changes_the_dtype(target):
    net = network(target)
    assert net.to(dtype="float64").home.dtype == "float64"
    assert_at_home(net.weights[0], net, "float64")


def test_parameters_can_be_set_from_anywhere(target):
    net = network(target, dtype="float64")
    w = [np.full(s, 0.5) for s in ((5, 6), (4, 5), (3, 4))]
    b = [np.zeros(5), [0.0] * 4, np.zeros(3, "float32")]
    net.parameters = w, b
    w[0][:] = 7.0  # they were copied
    assert host(net.weights[0]).max() == 0.5
    assert_at_home(net.biases[2], net, "float64")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda w, b: (w[:2], b), id="too few"),
        pytest.param(lambda w, b: ([x.T for x in w], b), id="transposed"),
        pytest.param(lambda w, b: (w, [x[:1] for x in b]), id="biases"),
    ],
)
def test_wrong_parameters_are_refused(bad):
    net = bpx.Network([6, 5, 4, 3], seed=0)
    before = net.parameters
    with pytest.raises(bpx.InputError, match=r"expected|has weights"):
        net.parameters = bad(list(net.weights), list(net.biases))
    assert net.parameters is before


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_copies_are_independent(duplicate):
    net = bpx.Network([6, 3], seed=0, dtype="float64")
    other = duplicate(net)
    before = [w.copy() for w in net.weights]
    other.fit(np.ones((4, 6)), [0, 1, 2, 0], epochs=1, batch_size=2, optimizer=bpx.SGD(1.0))
    assert other.home == net.home
    for w, kept in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(w, kept)
    assert not np.array_equal(other.weights[0], net.weights[0])


def test_seeds(target):
    assert np.array_equal(host(network(target).weights[0]), host(network(target).weights[0]))
    drawn = target.network([6, 3])
    again = target.network([6, 3], seed=drawn.seed)
    assert np.array_equal(host(drawn.weights[0]), host(again.weights[0]))
    assert drawn.seed != target.network([6, 3]).seed


def test_activations_may_differ_by_layer():
    net = bpx.Network([3, 4, 4, 2], activations=["relu", "tanh", "identity"], seed=0)
    assert [layer.activation.name for layer in net.spec.dense] == ["relu", "tanh", "identity"]
    assert not net.biases[0].any()
    assert "relu" in repr(net)
    assert "numpy" in repr(net)
    assert net.sizes == (3, 4, 4, 2)


def test_softmax_may_be_a_hidden_layer(target):
    net = target.network([6, 5, 3], hidden="softmax", seed=0)
    x, _ = samples(target)
    np.testing.assert_allclose(host(net.forward(x).a[1]).sum(1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("shape", [(7,), (1, 3), (7, 3), (6, 1)])
def test_row_weights_of_another_shape_are_refused(target, shape):
    """A row of n = k would be broadcast over the units, without a word."""
    x, y = samples(target)
    with pytest.raises(bpx.InputError, match=r"r has shape .* a column \(7, 1\)"):
        network(target).backprop(x, y, r=target.asarray(np.ones(shape)))


def test_row_weights_of_another_dtype_do_not_widen_the_gradients(target):
    x, y = samples(target)
    net = network(target)
    with pytest.raises(bpx.MixedArraysError, match="r is"):
        net.backprop(x, y, r=target.asarray(np.ones((7, 1)), "float64"))
    assert_at_home(net.backprop(x, y, r=np.float64(0.5)).gradients.w[0], net, "float32")


def test_targets_that_are_no_distribution_are_refused(target):
    net = target.network([6, 3], output="softmax", cost="cross_entropy", seed=0)
    x, _ = samples(target)
    y = np.full((7, 3), 1 / 3)
    y[4] = [0.5, 0.0, 0.0]
    with pytest.raises(bpx.InputError, match="sum to 1 in row 4"):
        net.backprop(x, target.asarray(y))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "bool"])
def test_labels_of_any_whole_dtype_are_the_same(target, dtype):
    """Small integers would wrap among the classes 0 ... 299."""
    net = target.network([3, 300], output="identity", seed=0)
    x = target.asarray(np.ones((2, 3)))
    deltas = [
        host(net.backprop(x, target.asarray([0, 1], each)).delta[0])
        for each in (dtype, "int32")
    ]
    np.testing.assert_array_equal(*deltas)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(np.matrix, id="matrix"),
        pytest.param(lambda x: np.ma.masked_less(x, 0.5), id="masked"),
    ],
)
def test_arrays_that_only_look_alike_are_refused_below_the_boundary(spoil):
    net = bpx.Network([3, 3], seed=0)
    x = spoil(np.random.default_rng(0).random((3, 3)).astype("float32"))
    with pytest.raises(bpx.InputError, match=r"matrix|masked"):
        net.backprop(x, np.zeros(3, "int32"))


def test_sparse_tensors_are_refused_below_the_boundary():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    net = bpx.Network([3, 3], seed=0, backend="torch:cpu")
    with pytest.raises(bpx.InputError, match="sparse"):
        net.forward(torch.eye(3).to_sparse())


def test_parameters_of_a_module_are_taken_without_its_graph():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    layer = torch.nn.Linear(3, 2)
    net = bpx.Network([3, 2], seed=0, backend="torch:cpu")
    net.parameters = [layer.weight], [layer.bias]
    assert not net.weights[0].requires_grad
    assert not net.predict(torch.nn.Parameter(torch.ones(2, 3))).requires_grad
    copy.deepcopy(net)


def test_a_copy_stays_on_the_device(target):
    net = target.network([3, 2], seed=0)
    twin = copy.deepcopy(net)
    assert twin.home == net.home
    assert hash(twin.home) == hash(net.home)
    assert twin.to(dtype="float64").home.device == net.home.device


def test_biases_of_zero_are_not_minus_zero():
    assert not np.signbit(
        bpx.Network([3, 2], hidden="relu", output="relu", seed=0).biases[0]
    ).any()
