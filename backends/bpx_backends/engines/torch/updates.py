"""Updates with PyTorch's own kernels, if they follow the same rule.

The training step is then recorded only up to the gradients that the rule receives, which it
hands on; PyTorch's kernel then updates the parameters. Any other optimizer is recorded with
the step. Rules are recognized by name: see `bpx.program.contract.Rule`.
"""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch.optim.adam import adam as fused_adam

from bpx.program.contract import Step, eager, leaves, named_leaves, rebuilt
from bpx.program.plan import Plan
from bpx_backends.engines.shared.planned import Planned
from bpx_backends.engines.torch.calls import Call
from bpx_backends.engines.torch.graphs import run
from bpx_backends.engines.torch.replay import After, prepare

__all__ = ["scan"]


class Handed(NamedTuple):
    """A replacement for some rules' states: these states, and the gradients they receive."""

    parts: tuple[Any, ...]
    gradients: Any


def hand_on(updates: Any, state: Handed, parameters: Any) -> tuple[None, Handed]:
    """A replacement for these rules: it changes no parameters, and keeps the gradients."""
    return None, state._replace(gradients=rebuilt(state.gradients, leaves(updates)))


def _numbers(state: Any) -> tuple[float, ...]:
    """Return the numbers of Adam's kernel, which for float64 takes no tensor as eta."""
    rule, descent = state.optimizer.parts[-1].parts
    numbers = rule.beta1, rule.beta2, rule.epsilon, descent.eta
    return tuple(torch.cat(numbers).tolist())


def _adam(state: Any, numbers: tuple[float, ...]) -> tuple[list[Call], list[Call]]:
    """Run Adam in one kernel for all parameters, without a host wait, on the CPU as on CUDA."""
    handed: Handed = state.optimizer.parts[-1]
    rule, _ = handed.parts
    gradients = list(leaves(handed.gradients))
    beta1, beta2, epsilon, eta = numbers
    moved = dict(named_leaves(rule.m))  # some parameters may be averaged instead
    parameters = [p for place, p in named_leaves(state.parameters) if place in moved]
    w: list[torch.Tensor] = [*parameters, *state.feedback][: len(gradients)]
    counts = torch.empty((len(w), 1), dtype=torch.float32, device=w[0].device)
    steps = [counts[i] for i in range(len(w))]
    update = partial(
        fused_adam,
        w,
        gradients,
        list(leaves(rule.m)),
        list(leaves(rule.v)),
        [],
        steps,
        fused=True,
        capturable=w[0].is_cuda,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=eta,
        weight_decay=0.0,
        eps=epsilon,
        maximize=False,
    )
    return [partial(counts.copy_, rule.t)], [update, partial(rule.t.copy_, steps[0])]


FUSED: dict[tuple[str, ...], After] = {("adam", "descent"): After(_numbers, _adam)}
"""The equivalent calls for the last rules of a chain."""

_recorded = Planned(prepare, run, halves=True)
_handing: dict[tuple[str, ...], Planned[Plan]] = {
    rules: Planned(prepare, partial(run, after=after), halves=True)
    for rules, after in FUSED.items()
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
    known = _known(step, state) if here else None
    if known is not None:
        return _scan_handing(known, step, state, data, rows, start, stop, donate)
    return _recorded(step, state, data, rows, start, stop, donate)


def _known(step: Any, state: Any) -> tuple[str, ...] | None:
    """Return the rules at the end of the step's update for which PyTorch has a kernel.

    Its kernels take numbers; for several networks, each rule has one number per network. They
    run after the step, so they fit no step that changes the parameters after its update.
    """
    if getattr(step, "constrains", False):
        return None
    rules = getattr(getattr(step, "update", None), "rules", ())
    names = tuple(getattr(rule, "known", None) for rule in rules)
    found = next((each for each in FUSED if names[-len(each) :] == each), None)
    several = found and state.optimizer.parts[-1].eta.ndim > 1
    return None if several else found


def _scan_handing(
    known: tuple[str, ...],
    step: Any,
    state: Any,
    data: Any,
    rows: Any,
    start: int,
    stop: int,
    donate: bool,
) -> Any:
    planned, count = _handing[known], len(known)
    rules, parts = step.update.rules, state.optimizer.parts
    update = type(step.update)((*rules[:-count], hand_on))
    # The rule's state for each parameter has the gradients' shapes; its values are not read.
    handed = Handed(parts[-count:], parts[-count].m)
    chain = type(state.optimizer)
    entered = state._replace(optimizer=chain((*parts[:-count], handed)))
    prepared = planned.prepared(replace(step, update=update), entered, data, rows)
    if prepared is None:
        return eager(step, state, data, rows, start, stop)
    after = planned.run(prepared, entered, data, rows, start, stop, donate)
    (*first, left) = after.optimizer.parts
    return after._replace(optimizer=chain((*first, *left.parts)))
