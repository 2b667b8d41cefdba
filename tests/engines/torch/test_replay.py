"""PyTorch's engine: which calls a step becomes, its fused update, its tensors, its graphs."""

import gc
from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

import bpx
from bpx.network import Network
from bpx.program.contract import eager, leaves
from bpx.program.plan import plan
from bpx.program.record import record
from bpx.training.step import Data, State, TrainingStep, zero_metrics
from tests.backends import Target, problem

torch = pytest.importorskip("torch")
from bpx_backends.engines.torch import replay as torch_replay  # noqa: E402
from bpx_backends.engines.torch import updates as torch_updates  # noqa: E402
from bpx_backends.engines.torch.calls import calls  # noqa: E402
from bpx_backends.engines.torch.native import native  # noqa: E402

NATIVE = ("addmm", "addcmul", "scaled_product", "scaled_sum", "sigmoid", "threshold_backward")


class Job:
    """A training step with all that it needs, on the CPU or on CUDA."""

    def __init__(
        self, sizes=(6, 5, 4), optimizer=None, batch=7, dtype="float64", spec="torch:cpu",
        decay=None, **settings,
    ):  # fmt: skip
        rng = np.random.default_rng(1)
        net = Network(sizes, seed=3, dtype=dtype, backend=spec, **settings)
        at = {"backend": spec}
        self.optimizer = optimizer or bpx.SGD(0.3)
        like = net.parameters.b[0]
        self.step = TrainingStep(net.spec, self.optimizer.update, "argmax")
        self.state = State(
            net.parameters,
            self.optimizer.init(net.parameters),
            None if decay is None else torch.full_like(like[:1], decay),
            zero_metrics(like, batch, "argmax"),
        )
        self.data = Data(
            bpx.asarray(rng.random((50, sizes[0])), dtype=dtype, **at),
            bpx.asarray(rng.integers(0, sizes[-1], 50), dtype="int32", **at),
        )
        self.rows = bpx.asarray(rng.integers(0, 50, (20, batch)), dtype="int32", **at)

    def scan(self, start, stop, state=None, donate=False):
        return torch_updates.scan(
            self.step, state or self.state, self.data, self.rows, start, stop, donate
        )

    def eager(self, start, stop):
        return eager(self.step, self.state, self.data, self.rows, start, stop)

    @property
    def program(self):
        return plan(record(self.step, self.state, self.data, self.rows[0])).program


def counts(program):
    return Counter(op.attribute("native", op.name) for op in program.operations)


def agree(ours, theirs, within=1e-12):
    for a, b in zip(leaves(ours), leaves(theirs), strict=True):
        assert (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)
        assert torch.linalg.norm(a - b) <= within * torch.linalg.norm(b)


# What a step becomes


def test_a_step_of_the_book_is_thirty_two_calls():
    job = Job((784, 30, 10), batch=10, dtype="float32")
    found = counts(native(job.program))
    assert [found[name] for name in NATIVE] == [2, 4, 2, 2, 2, 0]
    assert sum(found[name] for name in ("tanh", "matmul")) == 1  # BP2's product alone
    planned = torch_replay.prepare(plan(job.program))
    assert len(planned.instructions) == 32
    assert not planned.copies


def test_the_gradient_of_relu_is_one_call():
    job = Job((6, 5, 5, 4), hidden="relu", output="softmax", cost="cross_entropy")
    found = counts(native(job.program))
    assert found["threshold_backward"] == 2
    assert not found["greater"]


def rewritten(step, *shapes, dtype="float64"):
    """The calls of a step on arrays of ones."""
    state = tuple(np.ones(shape, dtype) for shape in shapes)
    program = record(step, state, (), np.zeros(1, "int32"))
    return counts(native(program))


def step_of(rule):
    class Rule:
        def __call__(self, state, data, rows):
            return rule(bpx.namespace(state[0]), *state)

        def __hash__(self):
            return 0

    return Rule()


@pytest.mark.parametrize(
    ("rule", "shapes"),
    {
        "a product that is used again": (
            lambda xp, w, b: ((w @ w + b) * (w @ w), b), ((3, 3), (3,))),
        "a sum larger than the product": (lambda xp, b, w: (w @ w + b, w), ((3, 3), (1, 1))),
        "another half": (lambda xp, z: (0.5 * xp.tanh(0.25 * z) + 0.5,), ((3,),)),
        "a whole number": (lambda xp, z: (0.5 * xp.tanh(0.5 * z) + 1,), ((3,),)),
        "a number in the product": (lambda xp, x: (x + 0.5 * x,), ((3,),)),
        "above one": (lambda xp, z: (z * xp.astype(z > 1.0, z.dtype),), ((3,),)),
        "scaled by an array": (
            lambda xp, d, r: ((r * d).mT @ d, xp.sum(r * d, axis=0, keepdims=True) + r),
            ((3, 3), (3, 1))),
    }.values(),
)  # fmt: skip
def test_what_is_not_quite_a_pattern_stays_as_it_is(rule, shapes):
    with_product = {"addmm", "sigmoid", "threshold_backward", "scaled_product", "scaled_sum"}
    assert not with_product & set(rewritten(step_of(rule), *shapes))


def test_what_was_computed_on_the_way_and_is_used_elsewhere_is_kept():
    found = rewritten(step_of(lambda xp, x, y: (x + x * y, x * y)), (3,), (3,))
    assert found == {"addcmul": 1, "multiply": 1}


def test_arrays_of_two_dtypes_are_not_one_call():
    class Mixed:
        def __call__(self, state, data, rows):
            x, y = state
            return x + y * y, y

        def __hash__(self):
            return 0

    state = (np.ones(3), np.ones(3, "float32"))
    found = counts(native(record(Mixed(), state, (), np.zeros(1, "int32"))))
    assert found == {"add": 1, "multiply": 1}


# Single operations


def scanned(rule, *arrays, donate=False):
    """The state after one step of a rule, by the engine and eagerly."""
    state = tuple(torch.from_numpy(np.array(x)) for x in arrays)
    rows = torch.zeros((1, 2), dtype=torch.int32)
    step = step_of(rule)
    return (
        torch_updates.scan(step, state, (), rows, 0, 1),
        eager(step, state, (), rows, 0, 1),
    )


FLOATS = np.array([[-2.5, -1.0, -0.0], [0.5, 1.0, np.nan], [np.inf, -np.inf, 3.5]])
INTEGERS = np.array([[-7, 2, 0], [5, -1, 3]], "int32")


@pytest.mark.parametrize(
    "name",
    ["abs", "negative", "positive", "sign", "square", "floor", "ceil", "round", "trunc", "exp",
     "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "tanh", "sinh",
     "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh"],
)  # fmt: skip
def test_functions_of_one_array(name):
    ours, theirs = scanned(lambda xp, x: (getattr(xp, name)(x),), FLOATS)
    np.testing.assert_array_equal(*ours, *theirs)


@pytest.mark.parametrize("name", ["abs", "negative", "sign", "square", "floor", "round"])
def test_functions_of_integers(name):
    ours, theirs = scanned(lambda xp, x: (getattr(xp, name)(x),), INTEGERS)
    np.testing.assert_array_equal(*ours, *theirs)


@pytest.mark.parametrize("other", [2.0, "array"])
@pytest.mark.parametrize(
    "name",
    ["add", "subtract", "multiply", "divide", "maximum", "minimum", "pow", "remainder",
     "logaddexp", "hypot", "atan2", "copysign"],
)  # fmt: skip
def test_functions_of_two_arrays_and_of_one_and_a_number(name, other):
    def rule(xp, x, y):
        second = y if other == "array" else other
        return getattr(xp, name)(x, second), y

    ours, theirs = scanned(rule, FLOATS, np.array([[2.0, -3.0, 0.5]]))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)


def test_a_number_before_an_array():
    def rule(xp, x, y):
        return 1.0 - x, 2.0**x * xp.where(x > 0.0, 1.5, y) + xp.maximum(2.0, y)

    ours, theirs = scanned(rule, FLOATS, FLOATS.copy())
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)


@pytest.mark.parametrize(
    "name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
)
def test_comparisons(name):
    def rule(xp, x, y):
        holds = getattr(xp, name)(x, 1.0)
        other = getattr(xp, name)(xp.astype(y, xp.int64), xp.astype(x, xp.int64))
        return xp.astype(xp.logical_not(holds), x.dtype), xp.astype(other, y.dtype)

    ours, theirs = scanned(rule, np.ones((2, 3)) * INTEGERS, INTEGERS)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bits_and_flags():
    def rule(xp, x):
        shifted = (x << 3) ^ (x >> 1) | ~x & 255
        flags = xp.logical_and(x > 0, xp.logical_xor(x > 2, xp.logical_or(x < 4, x > 6)))
        return (shifted + xp.astype(flags, x.dtype),)

    ours, theirs = scanned(rule, INTEGERS)
    np.testing.assert_array_equal(*ours, *theirs)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_reductions(name, axis, keepdims):
    def rule(xp, x):
        reduced = getattr(xp, name)(x, axis=axis, keepdims=keepdims)
        return (x * 0.0 + (reduced[:, None] if reduced.shape == (2,) else reduced),)

    if name == "prod" and axis == (0, 1):
        axis = None
    ours, theirs = scanned(rule, np.arange(6.0).reshape(2, 3) + 1.0)
    np.testing.assert_allclose(*ours, *theirs, rtol=1e-15)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_where_the_largest_and_the_smallest_are(name, axis, keepdims):
    def rule(xp, x):
        found = xp.astype(getattr(xp, name)(x, axis=axis, keepdims=keepdims), x.dtype)
        return (x * 0.0 + (found[:, None] if found.shape == (2,) else found),)

    ours, theirs = scanned(rule, np.array([[1.0, 3.0, 3.0], [0.0, 3.0, 0.0]]))
    np.testing.assert_array_equal(*ours, *theirs)


@pytest.mark.parametrize("name", ["any", "all"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_whether_any_and_all(name, axis):
    def rule(xp, x):
        holds = getattr(xp, name)(x > 1.0, axis=axis, keepdims=True)
        return (x * 0.0 + xp.astype(xp.logical_and(holds, xp.isfinite(x)), x.dtype),)

    ours, theirs = scanned(rule, np.array([[0.0, 2.0, 3.0], [0.0, 1.0, 2.0]]))
    np.testing.assert_array_equal(*ours, *theirs)


def test_views_moves_and_constants():
    def rule(xp, x, y):
        picked = xp.take(y, xp.arange(1, -1, -1, dtype=xp.int32), axis=0)
        flat = xp.reshape(picked.mT, (-1,))
        wide = xp.broadcast_to(x[1:, ::2], (2, 2)) + xp.full((2, 2), 2.0, dtype=x.dtype)
        return x + wide[:1, :1] + xp.sum(flat[1:]), y * picked[None, :, 0][0, :, None]

    ours, theirs = scanned(rule, FLOATS[:2], np.arange(6.0).reshape(2, 3))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_derivative_of_relu_is_right_where_z_is_zero_or_infinite():
    def rule(xp, z, g):
        return z, g * xp.astype(z > 0.0, z.dtype)

    z = np.array([-np.inf, -1.0, -0.0, 0.0, 1e-300, np.inf])
    ours, theirs = scanned(rule, z, np.arange(6.0) - 2.5)
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_calls_of_a_product_write_over_what_was_there():
    out = torch.full((2, 2), torch.nan, dtype=torch.float64)
    job = Job((3, 2), batch=2)
    (product,) = (
        op
        for op in native(job.program).operations
        if op.attribute("native") == "scaled_product"
    )
    d, a = torch.ones((2, 2), dtype=torch.float64), torch.ones((2, 2), dtype=torch.float64)
    for call in calls(product, [0.5, d, a], out):
        call()
    assert (out == 1.0).all()


# Adam by PyTorch's own kernel


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decay", [None, 0.01])
@pytest.mark.parametrize(
    "rule",
    [bpx.Adam(), bpx.Adam(0.1, beta1=0.5, beta2=0.6, epsilon=0.3), bpx.Adam(0.1, beta1=0.0)],
    ids=repr,
)
def test_adam_is_the_same_rule(rule, decay, dtype):
    job = Job((6, 5, 4), rule, dtype=dtype, decay=decay)
    within = 1e-12 if dtype == "float64" else 2e-5
    entered = [leaf.clone() for leaf in leaves(job.state)]
    for stop in (1, 2, 20):
        agree(job.scan(0, stop), job.eager(0, stop), within)
    assert all(torch.equal(a, b) for a, b in zip(entered, leaves(job.state), strict=True))


def test_adam_goes_on_where_it_was():
    job = Job(optimizer=bpx.Adam(0.05))
    state = job.scan(0, 7)
    assert state.optimizer.t.item() == 7.0
    agree(job.scan(7, 20, state), job.eager(0, 20))


def test_adams_state_may_be_given_up():
    job = Job(optimizer=bpx.Adam(0.05))
    state = job.scan(0, 7)
    weights = state.parameters.w[0]
    after = job.scan(7, 20, state, donate=True)
    assert after.parameters.w[0].data_ptr() == weights.data_ptr()
    agree(after, job.eager(0, 20))


def test_adam_calls_pytorchs_kernel_once_a_step(monkeypatch):
    seen = []
    ours = torch_updates.fused_adam
    monkeypatch.setattr(
        torch_updates, "fused_adam", lambda *a, **k: (seen.append(len(a[0])), ours(*a, **k))
    )
    Job(optimizer=bpx.Adam()).scan(0, 5)
    assert seen == [4] * 5


def test_a_users_own_adam_is_recorded_with_the_step(monkeypatch):
    monkeypatch.setattr(torch_updates, "fused_adam", None)

    def adam(gradients, state, parameters):
        return bpx.optim.rules.adam(gradients, state, parameters)

    job = Job(optimizer=bpx.Adam(0.05))
    job.step = TrainingStep(job.step.spec, adam, "argmax")
    agree(job.scan(0, 20), job.eager(0, 20))


def its_own(z):
    return torch.special.expit(z)


def test_what_cannot_be_recorded_runs_eagerly_with_its_adam(caplog):
    own = bpx.Elementwise("own", its_own, lambda z, a: a * (1.0 - a))
    job = Job(optimizer=bpx.Adam(0.05), hidden=own)
    agree(job.scan(0, 20), job.eager(0, 20), 0.0)
    assert "steps run eagerly" in caplog.text
    assert "a PyTorch function" in caplog.text


def test_no_steps_are_no_change():
    job = Job(optimizer=bpx.Adam())
    assert job.scan(3, 3) is job.state


# Whose memory it is


@pytest.mark.parametrize("optimizer", [bpx.SGD(0.3), bpx.Adam(0.05)], ids=repr)
def test_what_was_given_back_is_never_written_again(optimizer):
    job = Job((6, 300, 4), optimizer)
    first = job.scan(0, 5)
    kept = [leaf.clone() for leaf in leaves(first)]
    places = {leaf.untyped_storage().data_ptr() for leaf in leaves(first)}
    assert len(places) == len(kept)
    for state in (job.state, first):
        job.scan(5, 20, state)
    assert all(torch.equal(a, b) for a, b in zip(kept, leaves(first), strict=True))


def tensors():
    return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def test_the_memory_of_a_call_is_let_go_without_the_garbage_collector():
    job = Job((6, 300, 4), bpx.Adam(0.05))
    job.scan(0, 2)
    gc.collect()
    gc.disable()
    try:
        before = tensors()
        job.scan(0, 5)
        after = tensors()
    finally:
        gc.enable()
    assert after == before


def test_parameters_that_autograd_follows_are_left_alone():
    job = Job(optimizer=bpx.Adam(0.05))
    for leaf in leaves(job.state.parameters):
        leaf.requires_grad_()
    after = job.scan(0, 20)
    assert not any(leaf.requires_grad for leaf in leaves(after))
    assert torch.is_grad_enabled()
    with torch.no_grad():
        agree(after, job.eager(0, 20))


def test_arrays_need_not_be_contiguous():
    job = Job()
    expected = job.eager(0, 20)
    w = tuple(each.mT.contiguous().mT for each in job.state.parameters.w)
    wide = job.data.x.repeat_interleave(2, dim=1)[:, ::2]
    job.state = job.state._replace(parameters=job.state.parameters._replace(w=w))
    job.data = Data(wide, job.data.y)
    assert not w[0].is_contiguous()
    assert not wide.is_contiguous()
    agree(job.scan(0, 20), expected)


# Graphs


class Aside:
    """Stands for a stream, or for a context."""

    def __init__(self, *_: object) -> None: ...

    def wait_stream(self, other): ...

    def synchronize(self): ...

    def __enter__(self):
        return self

    def __exit__(self, *_): ...


class Captured:
    """Stands for torch.cuda while calls run on the host: it notes what was done when."""

    def __init__(self):
        self.capturing, self.done = False, []
        self.CUDAGraph = lambda: SimpleNamespace(replay=lambda: self.done.append("replay"))
        self.Stream = self.device = self.stream = Aside

    def current_stream(self):
        return Aside()

    @contextmanager
    def graph(self, graph, *, stream, capture_error_mode):
        self.capturing = True
        yield
        self.capturing = False

    def step(self):
        self.done.append("captured" if self.capturing else "run")


@pytest.mark.parametrize("times", [1, 15, 16, 100])
def test_a_graph_is_captured_once_and_replayed_for_the_rest(monkeypatch, times):
    cuda = Captured()
    monkeypatch.setattr(torch_replay.torch, "cuda", cuda)
    torch_replay._replayed([cuda.step], times, torch.device("cuda:0"))
    found = Counter(cuda.done)
    assert found["run"] + found["replay"] == times
    assert found["captured"] == (times >= 16)
    assert found["run"] == (3 if found["captured"] else times)


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", [bpx.SGD(0.3), bpx.Adam(0.05)], ids=repr)
def test_a_graph_comes_to_the_same_as_the_calls(optimizer):
    if reason := problem(Target.TORCH_CUDA.spec):
        pytest.skip(reason)
    job = Job((6, 5, 4), optimizer, spec="torch:cuda")
    by_graph = job.scan(0, 20)
    by_calls = job.scan(10, 20, job.scan(0, 10))  # too few to be captured
    agree(by_graph, by_calls, 0.0)
    agree(by_graph, job.eager(0, 20), 1e-9)


@pytest.mark.gpu
def test_nothing_is_read_on_the_host_between_the_steps():
    if reason := problem(Target.TORCH_CUDA.spec):
        pytest.skip(reason)
    job = Job((6, 5, 4), bpx.SGD(0.3), spec="torch:cuda")
    job.scan(0, 20)
    torch.cuda.set_sync_debug_mode("error")
    try:
        job.scan(0, 10)
    finally:
        torch.cuda.set_sync_debug_mode("default")
