"""Rules for one array, on every array of a tree."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.layers.dense import DenseParameters
from bpx.model.parameters import Gradients, Parameters
from bpx.optim import scale_by_rms
from bpx.optim.trees import above_0, below_1, first, mapped, number, on_weights, zeros
from tests.backends import host


class Matrix(NamedTuple):
    """A matrix that a feedback learns."""

    B: Any


class Norm(NamedTuple):
    """What another kind of layer learns."""

    gamma: Any
    b: Any


def parameters(target, *leading):
    w = [target.asarray(np.ones((*leading, *shape))) for shape in ((3, 2), (1, 3))]
    b = [target.asarray(np.ones((*leading, 1, n) if leading else n)) for n in (3, 1)]
    return Parameters.dense(w, b)


def test_mapped_takes_the_arrays_in_the_same_places(target):
    p = parameters(target)
    summed = mapped(lambda a, b, c: a + b + 2.0 * c, p, p, Gradients(p.layers))
    assert type(summed) is Parameters
    assert [tuple(each.shape) for each in summed.w] == [(3, 2), (1, 3)]
    assert all((host(each) == 4.0).all() for each in (*summed.w, *summed.b))
    assert type(mapped(lambda g: g, Gradients(p.layers))) is Gradients


def test_mapped_refuses_trees_of_other_forms(target):
    p = parameters(target)
    with pytest.raises(ValueError, match="shorter"):
        mapped(lambda a, b: a, p, Parameters(p.layers[:1]))


def test_weights_are_w_and_b_of_a_feedback_and_nothing_else():
    p = Parameters([DenseParameters(1.0, 2.0), Norm(3.0, 4.0), Matrix(5.0)])
    found = on_weights(lambda x, y: x + 10.0 * y, p, p)
    assert found.layers == (DenseParameters(11.0, 2.0), Norm(3.0, 4.0), Matrix(55.0))


def test_zeros_have_the_form_of_the_parameters(target):
    p = parameters(target)
    made = zeros(p)
    assert [tuple(each.shape) for each in made.b] == [(3,), (1,)]
    assert all((host(each) == 0.0).all() for each in (*made.w, *made.b))
    assert all(each.dtype == p.w[0].dtype for each in (*made.w, *made.b))


def test_a_number_is_at_the_parameters_home(target):
    p = parameters(target)
    made = number(0.25, p)
    assert first(p) is p.w[0]
    assert tuple(made.shape) == (1,)
    assert made.dtype == p.w[0].dtype
    assert host(made).tolist() == [0.25]
    assert getattr(made, "device", None) == getattr(p.w[0], "device", None)


def test_a_number_of_many_networks_has_their_axis(target):
    made = number(0.25, parameters(target, 4))
    assert tuple(made.shape) == (4, 1, 1)
    assert (host(made) == 0.25).all()


def test_a_number_that_may_become_0_or_1(target):
    """In float64 the least normal number is 2^-1022, and 1 - 2^-53 is less than 1."""
    p = mapped(lambda w: target.asarray(np.ones(3), "float64"), parameters(target))
    single = mapped(lambda w: target.asarray(np.ones(3), "float32"), p)
    assert host(above_0("epsilon", 2.0**-1022, p)).tolist() == [2.0**-1022]
    assert host(below_1("beta", 1.0 - 2.0**-53, p)).tolist() == [1.0 - 2.0**-53]
    with pytest.raises(bpx.InputError, match=r"epsilon=5e-324 was given, which .* float64 may"):
        above_0("epsilon", 5e-324, p)
    assert host(above_0("epsilon", 2.0**-126, single)).tolist() == [2.0**-126]
    assert host(below_1("beta", 1.0 - 2.0**-24, single)).tolist() == [1.0 - 2.0**-24]
    with pytest.raises(bpx.InputError, match=r"epsilon=1e-46 was given, which .* float32 may"):
        above_0("epsilon", 1e-46, single)
    with pytest.raises(bpx.InputError, match=r"beta=0.99999997.* which is 1 in .* float32"):
        below_1("beta", 1.0 - 2.0**-25, single)


SMALL, LARGE = 1e-46, 1.0 - 1e-9


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        (bpx.SGD(SMALL), "eta"),
        (bpx.SGD(0.1, LARGE), "momentum"),
        (bpx.Adam(beta1=LARGE), "beta1"),
        (bpx.Adam(beta2=LARGE), "beta2"),
        (bpx.Adam(epsilon=SMALL), "epsilon"),
        (bpx.optim.Adagrad(epsilon=SMALL), "epsilon"),
        (bpx.optim.RMSprop(beta=LARGE), "beta"),
        (bpx.optim.RMSprop(epsilon=SMALL), "epsilon"),
        (bpx.optim.RMSprop(centred=True, epsilon=SMALL), "epsilon"),
        (bpx.optim.chain(scale_by_rms(LARGE, bias_correction=True), bpx.SGD(0.1)), "beta"),
        (bpx.optim.Lion(beta1=LARGE), "beta1"),
        (bpx.optim.Lion(beta2=LARGE), "beta2"),
        (bpx.optim.Muon(beta=LARGE), "beta"),
        (bpx.optim.Muon(beta2=LARGE), "beta2"),
        (bpx.optim.Muon(epsilon=SMALL), "epsilon"),
        (bpx.optim.ScheduleFreeAdamW(epsilon=SMALL), "epsilon"),
        (bpx.optim.ScheduleFreeAdamW(SMALL), "eta"),
        (bpx.optim.chain(bpx.optim.clip(SMALL), bpx.SGD(0.1)), "largest"),
        (bpx.optim.chain(bpx.optim.clip_by_global_norm(SMALL), bpx.SGD(0.1)), "largest"),
    ],
    ids=str,
)
def test_an_optimizer_refuses_it_and_the_weights_stay(optimizer, name):
    net = bpx.Network([2, 3], seed=0, dtype="float32")
    before, x, y = [w.copy() for w in net.weights], np.eye(2), np.eye(3)[:2]
    with pytest.raises(bpx.InputError, match=f"{name}=.* in the network|{name}=.* float32 may"):
        net.fit(x, y, epochs=1, batch_size=2, optimizer=optimizer)
    assert all((w == b).all() for w, b in zip(net.weights, before, strict=True))


def test_it_is_public():
    assert bpx.optim.mapped is mapped
