"""The engine for PyTorch: a step is recorded and planned once, then replayed.

At every call the plan is bound to tensors. The state that enters is copied, unless it is
donated, and the steps work on the copy, in place; all other results have their places in
one block of memory. So the state that entered stays valid, what is given back is nobody
else's, and threads share nothing. On CUDA the calls of one step are captured as a graph,
which is replayed.
"""

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any

import torch

from bpx.program.contract import leaves, rebuilt
from bpx.program.operation import Operation, Value
from bpx.program.plan import Plan, plan
from bpx.program.program import Program
from bpx_backends.engines.shared.recycling import empty
from bpx_backends.engines.torch.calls import Call, calls, computed, dtypes, gathered
from bpx_backends.engines.torch.native import native

__all__ = ["After", "prepare", "replay"]

After = Callable[[Any], list[Call]]
"""What is called at the end of a step, given the state's tree."""


def prepare(recorded: Plan) -> Plan:
    """The plan of the same program in PyTorch's own calls; of no device."""
    return plan(native(recorded.program))


def replay(
    planned: Plan,
    state: Any,
    data: Any,
    rows: torch.Tensor,
    start: int,
    stop: int,
    donate: bool = False,
    *,
    after: After = lambda _: [],
) -> Any:
    """Run the steps from `start` to `stop`: an engine's scan, for this plan."""
    repeat = _replayed if rows.device.type == "cuda" else _repeated
    read = tuple(leaves(data))
    with torch.no_grad():
        own = _own(planned.program, tuple(leaves(state)), donate)
        tree = rebuilt(state, own)
        picked = torch.empty(rows.shape[1:], dtype=rows.dtype, device=rows.device)
        scratch = _block(planned.scratch, rows.device)
        step = [
            *_picking(rows, picked, start),
            *_bound(planned, (*own, *read, picked), scratch),
            *after(tree),
        ]
        repeat(step, stop - start, rows.device)
    return tree


def _own(program: Program, entered: Sequence[torch.Tensor], donate: bool) -> list[torch.Tensor]:
    """Tensors to write to, with the state's numbers where these are used."""
    used = {v for op in program.operations for v in op.values} | set(program.outputs)
    own = []
    for value, tensor in zip(program.state, entered, strict=True):
        if donate and value in used:
            own.append(tensor)
            continue
        own.append(_at(_block(value.nbytes, tensor.device), 0, value))
        if value in used:
            own[-1].copy_(tensor)
    return own


def _block(nbytes: int, device: torch.device) -> torch.Tensor:
    """Bytes without numbers; on the host, such as are used again, as CUDA's always are."""
    if device.type == "cpu":
        return torch.from_numpy(empty((nbytes,), "uint8"))
    return torch.empty(nbytes, dtype=torch.uint8, device=device)


def _at(block: torch.Tensor, offset: int, value: Value) -> torch.Tensor:
    if value.size == 0:
        return torch.empty(value.shape, dtype=dtypes[value.dtype.name], device=block.device)
    flat = block[offset : offset + value.nbytes].view(dtypes[value.dtype.name])
    return flat.view(value.shape)


def _picking(rows: torch.Tensor, picked: torch.Tensor, start: int) -> list[Call]:
    """Each step's rows into `picked`: the count of steps, too, is on the device."""
    count = torch.full((1,), start, dtype=torch.int64, device=rows.device)
    one = torch.ones((), dtype=torch.int64, device=rows.device)
    return [
        partial(torch.index_select, rows, 0, count, out=picked[None, :]),
        partial(torch.add, count, one, out=count),
    ]


def _bound(planned: Plan, inputs: Sequence[torch.Tensor], scratch: torch.Tensor) -> list[Call]:
    """The calls of one step on these tensors, of which the state's are written."""
    device = scratch.device
    held: dict[Any, Any] = dict(zip(planned.program.inputs, inputs, strict=True))
    held |= {v: _at(scratch, offset, v) for v, offset in planned.offsets.items()}
    held |= {v: inputs[i] for v, i in planned.states.items()}
    for op in (*planned.constants, *planned.views.values()):
        held[op.result] = computed(op, [held.get(v, v) for v in op.operands], device)
    step: list[Call] = []
    for each in planned.instructions:
        assert isinstance(each, Operation)  # kernels there are none
        operands, out = [held.get(v, v) for v in each.operands], held[each.result]
        if planned.picks(each):
            x, rows = operands
            step.append(gathered(x, rows, out))
        else:
            step += calls(each, operands, out)
    return step + [partial(inputs[i].copy_, held[v]) for i, v in planned.copies]


def _repeated(step: Sequence[Call], times: int, device: torch.device) -> None:
    for _ in range(times):
        for call in step:
            call()


WARM_UPS = 3
"""Steps before a capture, in which libraries set themselves up, as PyTorch asks."""
WORTHWHILE = 16
"""Fewer steps are not captured."""

_capturing = Lock()
"""A process may capture one graph at a time."""


def _replayed(step: Sequence[Call], times: int, device: torch.device) -> None:
    """The first few steps on a stream aside; one captured there; that one for the rest."""
    if times < WORTHWHILE:
        _repeated(step, times, device)
        return
    graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream(device)
    with torch.cuda.device(device), _capturing:
        here = torch.cuda.current_stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            _repeated(step, WARM_UPS, device)
        here.wait_stream(aside)
        with torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):
            _repeated(step, 1, device)
    with torch.cuda.device(device):
        for _ in range(times - WARM_UPS):
            graph.replay()
        torch.cuda.current_stream().synchronize()  # the graph is not freed while it runs
