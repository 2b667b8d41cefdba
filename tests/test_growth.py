"""How the work before the first step grows with the depth of a network: as its layers do.

Counted are the instructions of Python's interpreter, so that nothing depends on a clock.
"""

import gc
import sys

import numpy as np
import pytest

import bpx
from bpx.program.fusion import can_fuse
from bpx.program.plan import plan
from bpx_backends.engines.numpy import kernels
from bpx_backends.engines.numpy.bound import Given, Workers
from bpx_backends.engines.numpy.replay import prepare
from tests.interpreted import interpreted

DEPTHS = (4, 8, 16)


def worked(function):
    """What a function returns, and how many instructions the interpreter ran for it."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    gc.disable()  # finalizers of others
    sys.settrace(trace)
    try:
        return function(), count
    finally:
        sys.settrace(before)
        gc.enable()


def recorded(depth, optimizer):
    """A step's program, and the work of recording it."""
    net = bpx.Network([3, *[2] * depth, 2], seed=0, backend="numpy")
    return worked(lambda: net.program(batch_size=4, optimizer=optimizer))


def bound(ready):
    """The calls of a step, for arrays as a chunk gives them."""
    program = ready.plan.program
    state, data, (rows,) = (
        [np.zeros(v.shape, v.dtype.name) for v in values]
        for values in (program.state, program.data, (program.rows,))
    )
    inputs = dict(zip((*program.data, program.rows), (*data, rows), strict=True))
    scratch = np.empty(ready.plan.scratch, np.uint8)
    return Given(ready, inputs, state, state, scratch, Workers(None, 1)).bound().calls()


OPTIMIZERS = {
    "SGD": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam": bpx.Adam(),
    "Muon": bpx.optim.Muon(),
}


def amounts(depth, optimizer):
    """The work of each stage."""
    program, recording = recorded(depth, optimizer)
    fused, planning = worked(lambda: plan(program, can_fuse))
    single, planning_operations = worked(lambda: plan(program))
    kernels.compiled(fused)  # which writes the texts
    ready, compiling = worked(lambda: kernels.compiled(fused))
    _, binding = worked(lambda: bound(ready))
    _, binding_operations = worked(lambda: bound(prepare(single)))
    return {
        "record": recording,
        "plan kernels": planning,
        "plan operations": planning_operations,
        "find compiled kernels": compiling,
        "bind kernels": binding,
        "bind operations": binding_operations,
    }


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_comes_before_the_first_step_grows_as_the_layers(name, monkeypatch):
    """Of 8 layers more, twice as much as of 4 more."""
    monkeypatch.setattr(kernels, "_function", interpreted)
    found = [amounts(depth, OPTIMIZERS[name]) for depth in DEPTHS]
    for what in found[0]:
        few, more, most = (each[what] for each in found)
        assert 0 < most - more < 2.1 * (more - few), what
