"""The engine for PyTorch: record and plan a step once, then replay it.

Each call binds the plan to tensors. The given state is copied, unless it is donated, and the
steps update the copy in place; all other results have their places in one block of memory. So
the given state stays valid, nobody else holds the returned one, and threads share nothing. On
CUDA the same calls are captured as a graph: see `bpx_backends.engines.torch.graphs`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch

from bpx.program.accumulate import accumulated
from bpx.program.contract import leaves, rebuilt
from bpx.program.instructions import Exchange
from bpx.program.operation import ALL_REDUCE, Operation, Value
from bpx.program.plan import Plan, plan
from bpx.program.program import Program
from bpx_backends.engines.shared.recycling import empty
from bpx_backends.engines.torch.calls import Call, calls, computed, dtypes, gathered
from bpx_backends.engines.torch.native import native

__all__ = [
    "NOTHING",
    "After",
    "Bound",
    "Message",
    "at",
    "bind",
    "block",
    "prepare",
    "replay",
    "step_on",
    "used",
]


class After(NamedTuple):
    """Calls that follow the step's own calls in each step.

    Attributes
    ----------
    numbers : callable
        ``numbers(state)``: the Python numbers for these calls, read on the host.
    calls : callable
        ``calls(state, numbers) -> (first, each)``, on the tensors that the steps write: the
        calls before the first step, and those at the end of each step.
    """

    numbers: Callable[[Any], tuple[float, ...]]
    calls: Callable[[Any, tuple[float, ...]], tuple[list[Call], list[Call]]]


NOTHING = After(lambda _: (), lambda *_: ([], []))
"""No additional calls."""


class Bound(NamedTuple):
    """A plan's calls, bound to tensors.

    Attributes
    ----------
    count : Tensor, shape (1,)
        The number of the step, on the device.
    first, each : list of callables
        The calls before the first step, and the calls of each step.
    """

    count: torch.Tensor
    first: list[Call]
    each: list[Call]

    def steps(self, start: int, stop: int) -> None:
        """Run the steps from `start` to `stop`."""
        self.count.fill_(start)
        for call in self.first:
            call()
        for _ in range(stop - start):
            for call in self.each:
                call()


@dataclass(frozen=True, eq=False)
class Message:
    """A call of a group of ranks, such as a sum of their tensors."""

    send: Callable[..., None]
    tensors: tuple[torch.Tensor, ...]

    def __call__(self) -> None:
        """Send it, and wait for those of the others."""
        self.send(*self.tensors)


def prepare(recorded: Plan) -> Plan:
    """Plan the same program in PyTorch's own calls, for any device."""
    return plan(native(accumulated(recorded.program, scaled=False)))


def replay(
    planned: Plan,
    state: Any,
    data: Any,
    rows: torch.Tensor,
    start: int,
    stop: int,
    donate: bool = False,
    *,
    after: After = NOTHING,
) -> Any:
    """Run the steps from `start` to `stop`: an engine's scan, for this plan."""
    with torch.no_grad():
        tree = rebuilt(state, _own(planned.program, tuple(leaves(state)), donate))
        numbers = after.numbers(state)
        bind(planned, tree, tuple(leaves(data)), rows, after, numbers).steps(start, stop)
    return tree


def bind(
    planned: Plan,
    tree: Any,
    read: Sequence[torch.Tensor],
    rows: torch.Tensor,
    after: After,
    numbers: tuple[float, ...],
) -> Bound:
    """Bind a plan's step to tensors: it writes those of a state and reads the others."""
    picked = torch.empty(rows.shape[1:], dtype=rows.dtype, device=rows.device)
    count = torch.zeros((1,), dtype=torch.int64, device=rows.device)
    scratch = block(planned.scratch, rows.device)
    first, last = after.calls(tree, numbers)
    step = step_on(planned, (*leaves(tree), *read, picked), scratch)
    return Bound(count, first, [*_picking(rows, picked, count), *step, *last])


def used(program: Program) -> list[bool]:
    """For each array of the state, tell whether the steps read its given value."""
    read = {v for op in program.operations for v in op.values} | set(program.outputs)
    return [value in read for value in program.state]


def _own(program: Program, entered: Sequence[torch.Tensor], donate: bool) -> list[torch.Tensor]:
    """Return tensors to write to, with the given state's values if they are read."""
    own = []
    for value, tensor, looked_at in zip(program.state, entered, used(program), strict=True):
        if donate and looked_at:
            own.append(tensor)
            continue
        own.append(at(block(value.nbytes, tensor.device), 0, value))
        if looked_at:
            own[-1].copy_(tensor)
    return own


def block(nbytes: int, device: torch.device) -> torch.Tensor:
    """Allocate uninitialized bytes: recycled on the host, as PyTorch does itself on CUDA."""
    if device.type == "cpu":
        return torch.from_numpy(empty((nbytes,), "uint8"))
    return torch.empty(nbytes, dtype=torch.uint8, device=device)


def at(memory: torch.Tensor, offset: int, value: Value) -> torch.Tensor:
    """Return a tensor at an offset in a block."""
    if value.size == 0:
        return torch.empty(value.shape, dtype=dtypes[value.dtype.name], device=memory.device)
    flat = memory[offset : offset + value.nbytes].view(dtypes[value.dtype.name])
    return flat.view(value.shape)


def _picking(rows: torch.Tensor, picked: torch.Tensor, count: torch.Tensor) -> list[Call]:
    """Return calls that copy each step's rows into `picked`; the count is on the device too."""
    one = torch.ones((), dtype=torch.int64, device=rows.device)
    return [
        partial(torch.index_select, rows, 0, count, out=picked[None, :]),
        partial(torch.add, count, one, out=count),
    ]


def step_on(planned: Plan, inputs: Sequence[Any], scratch: torch.Tensor) -> list[Call]:
    """Return the calls of one step on the tensors of a state, which they write, and others."""
    device = scratch.device
    held: dict[Any, Any] = dict(zip(planned.program.inputs, inputs, strict=True))
    held |= {v: at(scratch, offset, v) for v, offset in planned.offsets.items()}
    held |= {v: inputs[i] for v, i in planned.states.items()}
    for op in (*planned.constants, *planned.views.values()):
        held[op.result] = computed(op, [held.get(v, v) for v in op.operands], device)
    step: list[Call] = []
    for each in planned.instructions:
        if isinstance(each, Exchange):
            step += _exchanged(planned, each, held, scratch)
            continue
        assert isinstance(each, Operation)  # the plan has no kernels
        operands, out = [held.get(v, v) for v in each.operands], held[each.result]
        if planned.picks(each):
            x, rows = operands
            step.append(gathered(x, rows, out))
        else:
            step += calls(each, operands, out)
    return step + [partial(inputs[i].copy_, held[v]) for i, v in planned.copies]


def _exchanged(
    planned: Plan, each: Exchange, held: dict[Any, Any], scratch: torch.Tensor
) -> list[Call]:
    """Return the calls of messages between ranks; sums in scratch memory are one message."""
    pairs = [(held[op.values[0]], held[op.result]) for op in each.sums]
    step: list[Call] = [
        partial(total.copy_, own) for own, total in pairs if own.data_ptr() != total.data_ptr()
    ]
    if (message := planned.message(each)) is not None:
        begin, end = message
        flat = scratch[begin:end].view(dtypes[each.writes[0].dtype.name])
        step.append(Message(each.group.all_reduce, (flat,)))
    for op in each.operations:
        own, made = held[op.values[0]], held[op.result]
        if op.name != ALL_REDUCE:
            step.append(Message(getattr(each.group, op.name), (own, made)))
        elif op.result not in planned.offsets:
            step.append(Message(each.group.all_reduce, (made,)))
    return step
