"""A residual block: what it becomes, what its end computes, and what is refused."""

import numpy as np
import pytest

import bpx
from bpx.layers import Add, Context, Dense
from bpx.layers.residual import AddSaved, Residual, flattened
from tests.backends import host
from tests.extending.rms_norm import RMSNorm


def dense(n_in=4, n_out=4, sigma="tanh"):
    return Dense(n_in, n_out, sigma)


OUTPUT = dense(4, 2, "softmax")


# The block


def test_equal_blocks_have_equal_hashes():
    assert Residual([dense()]) == Residual((dense(),)) != Residual([dense(sigma="relu")])
    assert hash(Residual([dense()])) == hash(Residual((dense(),)))
    assert Residual([dense(4, 7), dense(7, 4)]).n_in == 4
    with pytest.raises(AttributeError):
        Residual([dense()]).layers = ()


def test_a_block_becomes_its_layers_and_an_end():
    f = dense(4, 7), bpx.Dropout(7, 0.5), dense(7, 4)
    assert list(flattened([dense(3, 4), Residual(f), OUTPUT])) == [
        dense(3, 4), *f, Add(4, 3), OUTPUT
    ]  # fmt: skip


def test_an_end_counts_the_layers_of_the_blocks_inside():
    inner = Residual([dense(4, 7), dense(7, 4)])
    last = list(flattened([Residual([dense(), inner]), Residual([inner])]))
    assert last == [dense(), *inner.layers, Add(4, 2), Add(4, 4),
                    *inner.layers, Add(4, 2), Add(4, 3)]  # fmt: skip


def test_a_network_has_an_entry_for_each_layer_that_runs():
    net = bpx.Network([Residual([dense(), RMSNorm(4)]), OUTPUT], seed=0)
    assert net.spec.layers == (dense(), RMSNorm(4), Add(4, 2), OUTPUT)
    assert [len(entry) for entry in net.parameters.layers] == [2, 1, 0, 2]
    assert net.sizes == (4, 4, 2)
    assert bpx.Network(net.spec.layers, seed=0).spec == net.spec
    trace = net.backprop(np.ones((3, 4), "float32"), np.array([0, 1, 1]))
    assert len(trace.layers) == len(trace.deltas) == 4
    assert [z.shape for z in trace.z] == [delta.shape for delta in trace.delta]
    np.testing.assert_array_equal(trace.a[1], trace.layers[2].a)
    np.testing.assert_array_equal(trace.layers[2].skip, trace.a[0])


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([], "no layers were given to Residual; expected a list of layers, such as"),
        (dense(), "layers=Dense.* was given to Residual; expected a list of layers"),
        ("tanh", "layers='tanh' was given to Residual"),
        ([dense(), "tanh"], "'tanh' was given to Residual as layer 2"),
        ([Dense], "<class .*Dense'> was given to Residual as layer 1"),
        (
            [dense(4, 7), bpx.Dropout(7, 0.5)],
            r"layer 1 of a Residual, Dense\(n_in=4.*, takes 4 numbers, but its last layer, "
            r"Dropout\(width=7, rate=0.5\), gives 7; expected the same number",
        ),
    ],
)
def test_what_is_no_block_is_refused(layers, said):
    with pytest.raises(bpx.InputError, match=said):
        Residual(layers)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([dense(), Residual([dense()])], "the last layer is Residual.*expected a bpx.Dense"),
        ([Residual([dense()])], "the last layer is Residual.*expected a bpx.Dense"),
        (
            [dense(3, 5), Residual([dense()]), OUTPUT],
            "layer 2, Dense.* takes 4 numbers, but layer 1, Dense.* gives 5",
        ),
        (
            [Residual([dense(4, 5), dense(6, 4)]), OUTPUT],
            "layer 2, Dense.* takes 6 numbers, but layer 1, Dense.* gives 5",
        ),
        (
            [Residual([dense()]), dense(5, 2)],
            r"layer 3, Dense.* takes 5 numbers, but layer 2, Add\(width=4, over=1\), gives 4",
        ),
    ],
)
def test_a_block_that_does_not_fit_is_refused(layers, said):
    with pytest.raises(bpx.InputError, match=said):
        bpx.Network(layers)


def test_an_end_is_a_value():
    assert len({Add(4, 1), Add(4, 1), Add(4, 2)}) == 2
    assert (Add(1, 1).width, Add(1, 1).over) == (1, 1)
    with pytest.raises(AttributeError):
        Add(4, 1).over = 2


@pytest.mark.parametrize("given", [(0, 1), (4, 0), (4, 1.5), (4, True)])
def test_an_end_counts_whole_numbers(given):
    with pytest.raises(bpx.InputError, match="a whole number of at least 1"):
        Add(*given)


# The equations of its end


def test_its_end_adds_and_sends_back_unchanged(target):
    rng = np.random.default_rng(0)
    f, skip, g = (target.asarray(rng.standard_normal((5, 4)), "float64") for _ in range(3))
    layer = Add(4, 1)
    saved = layer.forward((), (f, skip), Context())
    assert isinstance(saved, AddSaved)
    np.testing.assert_array_equal(host(saved.a), host(f) + host(skip))
    assert saved.skip is skip
    delta = layer.error(saved, g)
    assert delta is layer.send_back((), saved, delta) is g
    moved = layer.r_forward((), (), saved, (f, skip))
    np.testing.assert_array_equal(host(layer.r_output(saved, moved)), host(saved.a))
    assert layer.r_error(saved, moved, None, g) is g
    assert layer.r_send_back((), (), saved, moved, None, g) is g


def test_what_stands_still_is_left_out():
    layer, moved = Add(4, 1), np.ones((2, 4))
    assert layer.r_forward((), (), None, (None, None)) is None
    assert layer.r_forward((), (), None, (moved, None)) is moved
    assert layer.r_forward((), (), None, (None, moved)) is moved


def test_it_has_no_parameters():
    layer = Add(4, 1)
    assert (layer.shapes, layer.draw(None, None), layer.entry({})) == ({}, {}, ())
    assert layer.r_gradients(1.0, None, None, None, None) == ()
    assert (layer.kind, layer.draws, layer.couples_samples) == ("add", False, False)
    assert (layer.n_in, layer.n_out) == (4, 4)
