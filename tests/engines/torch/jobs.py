"""Training steps, and single rules as steps, on PyTorch."""

import numpy as np
import pytest

import bpx
from bpx.network import Network
from bpx.optim.limits import penalised
from bpx.program.contract import eager, leaves
from bpx.program.plan import plan
from bpx.program.record import record
from bpx.training.step import Data, State, TrainingStep, zero_metrics

torch = pytest.importorskip("torch")

from bpx_backends.engines.torch import updates as torch_updates  # noqa: E402


class Job:
    """A training step with all that it needs, on the CPU or on CUDA."""

    def __init__(
        self, sizes=(6, 5, 4), optimizer=None, batch=7, dtype="float64", spec="torch:cpu",
        decay=None, **settings,
    ):  # fmt: skip
        rng = np.random.default_rng(1)
        net = Network(sizes, seed=3, dtype=dtype, backend=spec, **settings)
        at = {"backend": spec}
        self.optimizer = penalised(optimizer or bpx.SGD(0.3), decay)
        like = net.parameters.b[0]
        self.step = TrainingStep(net.spec, self.optimizer.update, "argmax")
        self.state = State(
            net.parameters,
            self.optimizer.init(net.parameters),
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


def agree(ours, theirs, within=1e-12):
    for a, b in zip(leaves(ours), leaves(theirs), strict=True):
        assert (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)
        assert torch.linalg.norm(a - b) <= within * torch.linalg.norm(b)


def step_of(rule):
    class Rule:
        def __call__(self, state, data, rows):
            return rule(bpx.namespace(state[0]), *state)

        def __hash__(self):
            return 0

    return Rule()


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
