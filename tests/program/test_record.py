"""Recording a step, and the recorded step replayed on libraries that were not there."""

import gc
import logging
import weakref

import numpy as np
import pytest

import bpx
from bpx import random
from bpx.errors import RecordingError
from bpx.optim.limits import penalised
from bpx.program.contract import leaves
from bpx.program.program import Program
from bpx.program.record import record
from bpx.training.step import Data, State, TrainingStep, zero_metrics
from tests.backends import Target, flags, host
from tests.costs.ends import ENDS

ROWS = np.array([4, 0, 2, 2], "int32")
COSTS = {
    "quadratic": "identity",
    "binary_cross_entropy": "sigmoid",
    "categorical_cross_entropy": "softmax",
}
OPTIMIZERS = {
    "sgd": bpx.SGD(0.3),
    "momentum": bpx.SGD(0.1, momentum=0.9),
    "nesterov": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": bpx.Adam(0.01),
}
LIBRARIES = {"numpy": Target.NUMPY, "strict": Target.STRICT, "bare": Target.STRICT_BARE}


@pytest.fixture(params=LIBRARIES)
def library(request):
    """NumPy, array-api-strict, and the latter without all that depends on values."""
    with flags(LIBRARIES[request.param]):
        yield LIBRARIES[request.param]


def parts(library, optimizer, sizes=(5, 3, 4), decay=0.1, **settings):
    """A step, and what it is called with."""
    net = library.network(sizes, seed=1, dtype="float64", **settings)
    rng = np.random.default_rng(2)
    data = Data(
        library.asarray(rng.random((6, sizes[0])), "float64"),
        library.asarray(rng.integers(0, sizes[-1], 6), "int32"),
    )
    like = net.biases[0]
    optimizer = penalised(optimizer, decay)
    state = State(
        net.parameters,
        optimizer.init(net.parameters),
        zero_metrics(like, len(ROWS), "argmax"),
    )
    step = TrainingStep(net.spec, optimizer.update, "argmax")
    return step, state, data, library.asarray(ROWS, "int32")


def check(step, state, data, rows):
    """Two steps, eagerly and replayed; the second reads what Adam made of the first."""
    program = record(step, state, data, rows)
    xp, before = bpx.namespace(rows), list(leaves(state))
    assert len(before) == len(program.state) == len(program.outputs)
    replayed = before
    for _ in range(2):
        state = step(state, data, rows)
        replayed = program.replay(xp, replayed, list(leaves(data)), rows)
    for ours, theirs, value in zip(replayed, leaves(state), program.outputs, strict=True):
        assert (tuple(ours.shape), bpx.arrays.registry.dtype_name(ours)) == (
            value.shape, value.dtype.name,
        )  # fmt: skip
        assert type(ours) is type(theirs)
        np.testing.assert_allclose(host(ours), host(theirs), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", list(bpx.activations.ACTIVATIONS)[1:])
def test_a_replayed_step_is_the_eager_step(library, activation, cost, optimizer):
    output = COSTS[cost] if cost != "quadratic" else activation
    check(*parts(library, OPTIMIZERS[optimizer], hidden=activation, output=output, cost=cost))


@pytest.mark.parametrize(("cost", "output"), ENDS)
def test_every_other_cost(library, cost, output):
    check(*parts(library, bpx.SGD(0.1), hidden="tanh", output=output, cost=cost))


@pytest.mark.parametrize(
    "settings",
    [
        {"sizes": (5, 4), "decay": None},
        {"sizes": (1, 1, 2)},
        {"hidden": bpx.Elementwise("cube", lambda z: z**3, lambda z, a: 3.0 * z**2)},
        {"cost": bpx.Cost("quartic", lambda a, y: row_sums((a - y) ** 4),
                          lambda a, y: 4.0 * (a - y) ** 3)},
    ],
    ids=["one layer", "ones", "an activation of one's own", "a cost of one's own"],
)  # fmt: skip
def test_other_steps(library, settings):
    check(*parts(library, bpx.SGD(0.5), **settings))


def row_sums(x):
    return bpx.namespace(x).sum(x, axis=1)


def test_only_shapes_and_dtypes_are_read():
    step, state, data, rows = parts(Target.NUMPY, bpx.Adam())
    others = Data(*(np.empty(each.shape, each.dtype) for each in (data.x, data.y)))
    assert str(record(step, state, others, rows)) == str(record(step, state, data, rows))


def test_a_program_holds_no_array():
    step, state, data, rows = parts(Target.NUMPY, bpx.SGD(1.0))
    x = data.x.copy()
    gone = weakref.ref(x)
    program = record(step, state, Data(x, data.y), rows)
    del x
    gc.collect()
    assert isinstance(program, Program)
    assert gone() is None


# What is recorded, of small steps


def recorded(step, *shapes, dtype="float32"):
    """The program of ``step(*arrays) -> arrays``."""
    state = tuple(np.zeros(shape, dtype) for shape in shapes)
    return record(lambda s, data, rows: step(*s), state, (), ROWS)


def names(program):
    return [each.name for each in program.operations]


def test_inputs_are_named_by_their_places():
    step, state, data, rows = parts(Target.NUMPY, bpx.Adam())
    program = record(step, state, data, rows)
    found = [each.name for each in program.state]
    assert found[:3] == ["parameters.w[0]", "parameters.w[1]", "parameters.b[0]"]
    assert found[4:10] == [
        *(f"optimizer.{name}" for name in ("decay", "beta1", "beta2", "epsilon", "t")),
        "optimizer.m.w[0]",
    ]
    assert found[-3:] == ["optimizer.eta", "metrics.cost", "metrics.hits"]
    assert [each.name for each in (*program.data, program.rows)] == ["data.x", "data.y", "rows"]


def test_equal_operations_are_recorded_once():
    program = recorded(
        lambda x: (
            bpx.namespace(x).tanh(x[:, None])
            + (x * 2.0)[:, None]
            + bpx.namespace(x).tanh(x[:, None])
            + (x * 2.0)[:, None],
        ),
        3,
    )
    assert sorted(names(program)) == ["add"] * 3 + ["getitem"] * 2 + ["multiply", "tanh"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x: x * 1.0, lambda x: x * 2.0),
        (lambda x: x - 1.0, lambda x: 1.0 - x),
        (lambda x: x * 0.0, lambda x: x * -0.0),
        (lambda x: x[:2], lambda x: x[1:]),
        (lambda x: bpx.namespace(x).sum(x, axis=0), lambda x: bpx.namespace(x).sum(x)),
        (lambda x: bpx.namespace(x).max(x, axis=0, keepdims=True),
         lambda x: bpx.namespace(x).max(x, axis=0)),
        (lambda x: bpx.namespace(x).reshape(x, (3, 2)), lambda x: x.mT),
        (lambda x: bpx.namespace(x).astype(x, bpx.namespace(x).int32),
         lambda x: bpx.namespace(x).astype(x, bpx.namespace(x).int64)),
    ],
)  # fmt: skip
def test_different_operations_are_recorded_each(one, other):
    assert len(recorded(lambda x: (one(x), other(x)), (2, 3)).operations) == 2


def test_what_the_outputs_do_not_need_is_dropped():
    def step(x, y):
        _ = bpx.namespace(x).exp(x) * 2.0 + y
        return x + 1.0, y

    program = recorded(step, 2, 2)
    assert names(program) == ["add"]
    assert program.outputs[1] is program.state[1]


def test_an_operation_knows_the_functions_that_called_it():
    def inner(x):
        return x * 2.0

    def step(state, data, rows):
        return (inner(state[0]) + 1.0,)

    program = record(step, (np.ones(2),), (), ROWS)
    assert [each.origin for each in program.operations] == [("inner", "step"), ("step",)]


def test_a_tree_without_an_array_keeps_its_form():
    program = record(lambda s, d, r: (s[0] * 2.0, s[1]), (np.ones(2), None), (), ROWS)
    assert len(program.state) == len(program.outputs) == 1


# Random numbers


DRAWS = {
    "threefry2x32": lambda k, c: random.threefry2x32((k[:1], k[1:]), (c, c + 1)),
}


@pytest.mark.parametrize("draw", DRAWS)
def test_random_numbers_are_replayed_to_the_bit(library, draw):
    rows = library.asarray(ROWS, "int32")
    key, counter = np.array(random.key_words(2**63 + 5), "int32"), np.array([3], "int32")
    state = tuple(library.asarray(each, "int32") for each in (key, counter))
    program = record(lambda s, d, r: DRAWS[draw](*s), state, (), rows)
    ours = program.replay(bpx.namespace(rows), state, (), rows)
    for mine, eager in zip(ours, DRAWS[draw](key, counter), strict=True):
        assert host(mine).dtype == eager.dtype
        np.testing.assert_array_equal(host(mine), eager)


# What cannot be recorded


def fitted(activation, **settings):
    net = bpx.Network([6, 5, 4], seed=0, hidden=activation, dtype="float64", backend="numpy")
    x, y = np.random.default_rng(0).random((20, 6)), np.arange(20) % 4
    net.fit(x, y, epochs=2, batch_size=5, optimizer=bpx.SGD(0.5), seed=0, **settings)
    return net


def ones(z, a):
    return bpx.namespace(z).ones_like(z)


def scaled(z):
    return z * float(z.sum() > -1e9)


def demanding(z):
    if not isinstance(z, np.ndarray):
        raise TypeError("demanding wants an array")
    return z


def in_place(z):
    a = z + 0.0
    a += 1.0
    return a


UNRECORDABLE = {
    "demanding": (demanding, ones),
    "tanh": (np.tanh, lambda z, a: 1.0 - a * a),
    "modified": (in_place, ones),
    "NumPy": (lambda z: np.where(z > 0, z, 0.0), lambda z, a: np.where(z > 0, 1.0, 0.0)),
    "sum": (scaled, ones),
    "cumulative_prod": (lambda z: z + 0.0 * bpx.namespace(z).cumulative_prod(z, axis=1), ones),
}  # fmt: skip


@pytest.mark.parametrize("name", UNRECORDABLE)
def test_what_cannot_be_recorded_is_run_eagerly_and_said_once(caplog, name):
    activation = bpx.Elementwise(f"my {name}", *UNRECORDABLE[name])
    with caplog.at_level(logging.WARNING, "bpx"):
        net = fitted(activation)
    (line,) = [each.getMessage() for each in caplog.records if each.name == "bpx"]
    assert "steps run eagerly" in line
    assert "test_record.py" in line or activation.sigma is np.tanh
    assert name in line
    for ours, theirs in zip(
        net.weights, fitted(activation, compile=False).weights, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_step_that_is_recorded_logs_nothing(caplog):
    with caplog.at_level(logging.WARNING, "bpx"):
        fitted("tanh")
    assert not caplog.records


def test_an_array_of_an_earlier_recording_is_refused():
    leaked = []
    recorded(lambda x: (leaked.append(x), (x,))[1], 2)
    with pytest.raises(RecordingError, match="an earlier recording"):
        recorded(lambda x: (x + leaked[0],), 2)


@pytest.mark.parametrize("made", [1.0, np.ones(2), np.float32(1.0)], ids=["float", "raw", "np"])
def test_a_step_that_gives_back_no_array_of_its_own_is_refused(made):
    with pytest.raises(RecordingError, match="where an array of the step was expected"):
        recorded(lambda x: (made,), 2)


def test_a_dtype_that_no_program_holds_is_refused_by_name():
    with pytest.raises(RecordingError, match=r"data\.x is complex128"):
        record(lambda s, d, r: s, (np.ones(2),), Data(np.ones(2, complex), None), ROWS)


def test_what_the_step_raises_is_not_swallowed():
    def step(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        recorded(step, 2)


def test_after_an_error_the_next_step_is_recorded():
    with pytest.raises(RecordingError):
        recorded(lambda x: (bool(x),), 2)
    assert names(recorded(lambda x: (x + bpx.namespace(x).ones((2,), dtype=x.dtype),), 2)) == [
        "full", "add",
    ]  # fmt: skip
