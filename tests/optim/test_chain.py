"""Chains: what they are made of, the state by name, and every optimizer on every engine."""

from dataclasses import dataclass

import numpy as np
import pytest

import bpx
from bpx.optim import OPTIMIZERS, Adam, Chain, Optimizer, Transformation, chain
from bpx.optim.chain import check_optimizer, initial
from bpx.optim.chained import ChainState
from bpx.program.contract import leaves
from tests.backends import host
from tests.optim.descents import arrays, assert_same, gradients, parameters, visited
from tests.optim.links import (
    AVERAGING,
    CHAINS,
    DOUBLED,
    LINKS,
    NEWER,
    Counted,
    doubled,
    each_link,
    plus_one,
)
from tests.peers import random_samples

# What it is made of


@pytest.mark.parametrize(
    ("optimizer", "given", "hint"),
    [
        (
            bpx.Adam,
            {"lr": 0.1},
            r"Adam has no 'lr' \(did you mean 'eta'\?\); known: eta, beta1",
        ),
        (bpx.SGD, {"learning_rate": 1}, r"'learning_rate' \(did you mean 'eta'\?\)"),
        (bpx.AdamW, {"eps": 1, "weight_decay": 1}, r"'eps' .*'epsilon'.*, 'weight_decay' .*'d"),
        (bpx.Adam, {"betas": (0.9, 0.9)}, r"\(did you mean 'beta1'\?\)"),
        (bpx.optim.RMSprop, {"rho": 0.9}, r"\(did you mean 'beta'\?\)"),
        (bpx.SGD, {"betas": 0.9}, "SGD has no 'betas'; known: eta, momentum, nesterov"),
    ],
)
def test_names_of_other_libraries_are_refused_with_ours(optimizer, given, hint):
    with pytest.raises(bpx.InputError, match=hint):
        optimizer(**given)


def test_an_optimizer_of_the_user_has_its_own_names():
    @dataclass(frozen=True)
    class Mine(Optimizer):
        lr: float

        @property
        def transformations(self):
            return (bpx.optim.scale(-self.lr),)

    class Other(Mine):
        def __init__(self, **given):
            super().__init__(given["rate"])

    assert Mine(lr=0.5).lr == 0.5
    assert Other(rate=2.0).lr == 2.0
    with pytest.raises(bpx.InputError, match="Mine has no 'eta'; known: lr"):
        Mine(eta=0.5)

    class Fixed(Optimizer):
        transformations = property(lambda self: (bpx.optim.scale(-0.1),))

    assert Fixed().transformations
    for given in ({"lr": 0.1}, {"eta": 0.1}):
        with pytest.raises(TypeError, match=r"Fixed\(\) takes no arguments"):
            Fixed(**given)
    with pytest.raises(TypeError, match="takes no arguments"):
        Fixed(0.1)


def test_a_chain_is_flat():
    adam = chain(Adam(0.01))
    nested = chain(
        LINKS["decay"], chain(chain(LINKS["clip"], adam), DOUBLED), LINKS["momentum"]
    )
    assert nested.links == (
        LINKS["decay"],
        LINKS["clip"],
        *adam.links,
        DOUBLED,
        LINKS["momentum"],
    )
    assert [link.update for link in adam.links] == [
        link.update for link in Adam(0.01).transformations
    ]
    assert nested.transformations is nested.links
    assert all(isinstance(link, Transformation) for link in nested.links)


def test_chains_of_equal_links_are_equal():
    one, other = chain(LINKS["clip"], DOUBLED), chain(LINKS["clip"], DOUBLED)
    assert one == other
    assert hash(one) == hash(other)
    assert one != chain(DOUBLED, LINKS["clip"])
    with pytest.raises(AttributeError):
        one.links = ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: bpx.optim.scale(0.1),
        lambda: bpx.optim.clip_by_global_norm(1.0),
        lambda: chain(Adam(0.01)),
    ],
)
def test_what_is_made_of_equal_numbers_is_equal(make):
    assert make() == make()


def test_the_rule_is_the_same_for_other_numbers():
    made = [chain(bpx.optim.clip_by_global_norm(n), Adam(0.1 * n)) for n in (1.0, 2.0)]
    assert made[0].update is made[1].update
    assert made[0].update is not Adam(0.1).update
    assert chain(Adam(0.1)).update is Adam(0.2).update


def test_the_links_run_in_their_order():
    p, shifted = parameters(), Transformation(lambda parameters: (), plus_one)
    g = gradients(p)
    first = chain(DOUBLED, shifted)
    updates, _ = first.update(g, first.init(p), p)
    assert_same(updates, bpx.optim.mapped(lambda u: 2.0 * u + 1.0, g), 0.0)
    second = chain(shifted, DOUBLED)
    updates, _ = second.update(g, second.init(p), p)
    assert_same(updates, bpx.optim.mapped(lambda u: 2.0 * (u + 1.0), g), 0.0)


@pytest.mark.parametrize("name", AVERAGING)
def test_a_link_that_averages_is_the_last(name):
    averages, last = chain(AVERAGING[name]), "make it the last link of the chain"
    assert chain(DOUBLED, averages).links[-1] == averages.links[-1]
    for act in (lambda: chain(averages, DOUBLED), lambda: check_optimizer(Wrong(averages))):
        with pytest.raises(bpx.InputError, match=f"averages the parameters .*; {last}"):
            act()


def test_an_average_must_be_able_to_begin_anew():
    class Half:
        def __call__(self, updates, state, parameters):
            return updates, state

        def averaged(self, state, parameters):
            return parameters

    with pytest.raises(bpx.InputError, match="has a method averaged, but no adopted"):
        chain(DOUBLED, Transformation(lambda parameters: (), Half()))


@dataclass(frozen=True)
class Wrong(Optimizer):
    """A chain that goes on after an average."""

    first: Chain

    @property
    def transformations(self):
        return (*self.first.links, DOUBLED)


def test_a_chain_of_nothing_gives_the_gradients_back():
    p = parameters()
    empty, g = chain(), gradients(p)
    updates, state = empty.update(g, empty.init(p), p)
    assert updates is g
    assert state == ChainState(())


@each_link
@pytest.mark.parametrize(("leading", "shape"), [((), (1,)), ((4,), (4, 1, 1))])
def test_numbers_are_arrays_in_the_state(target, link, leading, shape):
    """With parameters of K networks, one for each; a schedule's count of steps is whole."""
    p = parameters("float32", target, leading)
    shapes = {tuple(each.shape) for each in leaves(p)}
    states = list(leaves(link.init(p)))
    numbers = [each for each in states if tuple(each.shape) not in shapes]
    assert numbers
    assert {tuple(each.shape) for each in numbers} == {shape}
    counts = list(leaves(getattr(link.init(p), "steps", ())))
    assert [str(each.dtype).rpartition(".")[2] for each in counts] == ["int32"] * len(counts)
    assert [each.dtype for each in states].count(p.w[0].dtype) == len(states) - len(counts)


@each_link
def test_many_networks_move_as_each_by_itself(link):
    many = parameters(leading=(4,))
    seen = visited(chain(link), many, 3)[-1]
    for k in range(4):
        one = type(many).dense([w[k] for w in many.w], [b[k, 0] for b in many.b])
        alone = visited(chain(link), one, 3)[-1]
        found = type(many).dense([w[k] for w in seen.w], [b[k, 0] for b in seen.b])
        assert_same(found, alone, 1e-13)


# A number behind Adam


def trained(name, spec, compiled):
    net = bpx.Network([4, 6, 3], hidden="tanh", seed=0, backend=spec, dtype="float64")
    before = [host(w) for w in net.weights]
    net.fit(
        *random_samples(net, 20),
        epochs=2,
        batch_size=6,
        optimizer=CHAINS[name],
        seed=0,
        compile=compiled,
    )
    pairs = zip(net.weights, before, strict=True)
    assert all(np.abs(host(after) - was).max() > 1e-4 for after, was in pairs)
    return net.parameters


@pytest.mark.parametrize("name", CHAINS)
def test_each_trains_on_every_target_compiled_and_eager_alike(target, name):
    expected = trained(name, "numpy", compiled=False)
    assert_same(trained(name, target.spec, target.value.compile), expected)
    if target.value.compile and "jax" not in target.spec:  # it has a target that is eager
        assert_same(trained(name, target.spec, compiled=False), expected)


@pytest.mark.parametrize("name", ["clipped", "scheduled", *NEWER])
def test_numbas_kernels_do_the_same(monkeypatch, name):
    pytest.importorskip("numba", reason="numba is not installed")
    expected = trained(name, "numpy", compiled=False)
    monkeypatch.setenv("BPX_NUMBA", "on")
    assert_same(trained(name, "numpy", compiled=True), expected)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_named_ones_have_a_learning_rate_of_their_own(name):
    kind = OPTIMIZERS[name]
    assert chain(kind(kind.default_eta)).init(parameters()).eta.tolist() == [kind.default_eta]


# Of somebody's own


@dataclass(frozen=True)
class Halving(Optimizer):
    """A chain with a name."""

    eta: float

    @property
    def transformations(self):
        return (bpx.optim.scale(-0.5 * self.eta),)


def test_an_optimizer_of_ones_own_is_a_chain_with_a_name():
    assert_same(
        visited(Halving(0.2), parameters(), 4)[-1], visited(bpx.SGD(0.1), parameters(), 4)[-1]
    )
    assert len(chain(Halving(0.2)).links) == 1
    assert Halving(0.1).update is Halving(0.2).update


class Old:
    """An optimizer as they were: update gave back the parameters."""

    def init(self, parameters):
        return ()

    def update(self, parameters, state, gradients):
        return parameters, state

    def __repr__(self):
        return "Old()"


def in_training(optimizer):
    net = bpx.Network([2, 1], seed=0)
    net.fit(np.ones((4, 2)), np.ones(4), epochs=1, batch_size=2, optimizer=optimizer)


@pytest.mark.parametrize("act", [check_optimizer, chain, in_training])
def test_the_old_form_is_refused_with_the_lines_that_change(act):
    with pytest.raises(bpx.InputError) as told:
        act(Old())
    said = str(told.value).splitlines()
    assert said[0].startswith("optimizer=Old() has its own init and update, as in earlier")
    assert [line.split("  ")[1] for line in said[1:]] == [
        "each p - eta * g of an array becomes -eta * g, for all arrays "
        "bpx.optim.mapped(lambda g: ..., updates)",
        "return bpx.Parameters(w, b), state",
        "optimizer=yours",
    ]


@pytest.mark.parametrize("act", [check_optimizer, chain, in_training])
@pytest.mark.parametrize(
    "bad",
    [None, 0.1, "adam", bpx.Adam, Old, doubled],
    ids=["none", "number", "word", "class", "old class", "function"],
)
def test_what_is_no_optimizer_is_refused(act, bad):
    with pytest.raises(
        bpx.InputError, match=r"expected bpx\.SGD\(eta\), bpx\.Adam\(\), bpx\.AdamW\(\), or ano"
    ):
        act(bad)


def test_a_transformation_alone_is_an_optimizer():
    assert check_optimizer(DOUBLED) is None
    net = bpx.Network([2, 1], seed=0, dtype="float64")
    net.fit(np.ones((2, 2)), np.ones(2), epochs=1, batch_size=2, optimizer=LINKS["scale"])
    other = bpx.Network([2, 1], seed=0, dtype="float64")
    other.fit(np.ones((2, 2)), np.ones(2), epochs=1, batch_size=2, optimizer=bpx.SGD(0.1))
    assert_same(net.parameters, other.parameters)


def test_a_state_holds_arrays_alone():
    bad = Transformation(lambda parameters: Counted(0.5, None), doubled)
    with pytest.raises(bpx.InputError, match=r"gave 0\.5 as state\.eta; expected arrays"):
        initial(chain(bad), parameters())
    state = initial(chain(LINKS["rate"]), parameters())
    assert isinstance(state, Chain | ChainState)
    assert [each.tolist() for each in arrays(state)] == [[0.1]]


class WithUpdate(Optimizer):
    """Both forms at once: the older one would be taken."""

    transformations = (DOUBLED,)

    def update(self, parameters, gradients, state):
        return parameters, state


class OfNone(Optimizer):
    """Without transformations."""

    transformations = None


class Single(Optimizer):
    """Its transformations are one."""

    transformations = DOUBLED


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (WithUpdate(), "has its own init and update"),
        (OfNone(), "transformations of the optimizer OfNone is None; expected a property"),
        (Single(), "transformations of the optimizer Single is <bpx.optim.Transformation"),
    ],
)
def test_a_base_alone_makes_no_optimizer(bad, said):
    with pytest.raises(bpx.InputError, match=said):
        check_optimizer(bad)


@pytest.mark.parametrize(
    "wrong",
    [lambda g: -0.1 * g[:1], lambda g: -0.1 * g.sum(), lambda g: 1.0],
    ids=["row", "sum", "one"],
)
def test_an_update_that_would_be_broadcast_is_named(wrong):
    def update(updates, state, parameters):
        return bpx.optim.mapped(wrong, updates), state

    net = bpx.Network([4, 3, 2], seed=0)
    before = net.parameters
    optimizer = chain(Transformation(lambda parameters: (), update))
    with pytest.raises(
        bpx.MixedArraysError, match=r"as the update of w\[0\]; expected an array"
    ):
        net.fit(np.ones((5, 4)), np.ones((5, 2)), epochs=1, batch_size=5, optimizer=optimizer)
    assert net.parameters is before
