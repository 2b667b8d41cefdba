"""Updates by PyTorch's own kernels, where they follow the same rule.

A training step is then recorded up to its gradients, which it hands on; what updates the
parameters is called after it. Any other optimizer is recorded with the step.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch.optim.adam import adam as fused_adam

from bpx.model.spec import Gradients, Parameters
from bpx.optim.rules import Update, adam
from bpx.program.contract import Step, eager, leaves
from bpx.program.plan import Plan
from bpx.training.step import State, TrainingStep, joined
from bpx_backends.engines.shared.planned import Planned
from bpx_backends.engines.torch.calls import Call
from bpx_backends.engines.torch.replay import prepare, replay

__all__ = ["scan"]


class Handed(NamedTuple):
    """In the place of the optimizer's state: that state, and the gradients."""

    optimizer: Any
    gradients: Gradients


def hand_on(
    gradients: Gradients, state: Handed, parameters: Parameters
) -> tuple[Parameters, Handed]:
    """In the place of an update: nothing moves, and the gradients stay to be seen."""
    return parameters, state._replace(gradients=gradients)


def _adam(state: State) -> list[Call]:
    """Adam in one kernel, for all parameters; on the CPU without a wait, as on CUDA."""
    rule: Any = state.optimizer.optimizer
    # Read once, before the first step. Where the device counts, eta stays there.
    beta1, beta2, epsilon, eta = torch.cat((*rule[1:4], rule.eta)).tolist()
    w: list[torch.Tensor] = list(leaves(_moved(state)))
    on_cuda = w[0].is_cuda
    steps = [rule.t.float().clone() for _ in w]
    update = partial(
        fused_adam,
        w,
        list(leaves(state.optimizer.gradients)),
        list(leaves(rule.m)),
        list(leaves(rule.v)),
        [],
        steps,
        fused=True,
        capturable=on_cuda,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=rule.eta.reshape(()) if on_cuda else eta,
        weight_decay=0.0,
        eps=epsilon,
        maximize=False,
    )
    return [update, partial(rule.t.copy_, steps[0])]


def _moved(state: State) -> Parameters:
    """What the gradients are of, where a feedback learns too: see `training.step.joined`."""
    (w, b), gradients = state.parameters, state.optimizer.gradients
    return Parameters((*w, *state.feedback) if len(gradients.w) > len(w) else w, b)


FUSED: dict[Update, Callable[[State], list[Call]]] = {adam: _adam}
"""For an optimizer's update the calls that do the same, given the state to be written."""

_recorded = Planned(prepare, replay)
_handing: dict[Update, Planned[Plan]] = {
    update: Planned(prepare, partial(replay, after=after)) for update, after in FUSED.items()
}


def scan(
    step: Step,
    state: Any,
    data: Any,
    rows: Any,
    start: int,
    stop: int,
    donate: bool = False,
) -> Any:
    """Run a training step for many mini-batches: see `bpx.program.contract`."""
    here = start < stop and rows.device.type in ("cpu", "cuda")
    if here and isinstance(step, TrainingStep) and step.update in _handing:
        return _scan_handing(step, state, data, rows, start, stop, donate)
    return _recorded(step, state, data, rows, start, stop, donate)


def _scan_handing(
    step: TrainingStep,
    state: State,
    data: Any,
    rows: Any,
    start: int,
    stop: int,
    donate: bool,
) -> State:
    run = _handing[step.update]
    handing = replace(step, update=hand_on)
    # The parameters stand for gradients of their shapes, which are not read.
    alike = Gradients(*joined(step.spec, state.parameters, state.feedback))
    entered = state._replace(optimizer=Handed(state.optimizer, alike))
    if run.prepared(handing, entered, data, rows) is None:
        return eager(step, state, data, rows, start, stop)
    after = run(handing, entered, data, rows, start, stop, donate)
    return after._replace(optimizer=after.optimizer.optimizer)
