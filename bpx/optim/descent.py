"""Whether a chain goes down the gradient, as far as its links tell.

Most rules keep the direction of the updates; the learning rate and a negative factor turn it
round. The links of bpx are known. A chain with a link of your own passes, since nobody can tell
of it.
"""

from inspect import isfunction
from typing import Any

from bpx.errors import InputError
from bpx.optim.adagrad import scale_by_rss
from bpx.optim.averaging import average_parameters
from bpx.optim.chain import Beginning, Optimizer, Transformation, chain
from bpx.optim.limits import (
    add_decayed_weights,
    add_l1_decay,
    clip,
    clip_by_global_norm,
)
from bpx.optim.lion import scale_by_lion
from bpx.optim.moments import momentum, scale_by_adam
from bpx.optim.muon import scale_by_muon
from bpx.optim.rmsprop import scale_by_rms, scale_by_stddev
from bpx.optim.scaling import Scaling
from bpx.optim.schedule_free import schedule_free
from bpx.optim.schedules import linear_onecycle_momentum

__all__ = ["check_descends"]


def _kind(link: Transformation) -> Any:
    return link.update if isfunction(link.update) else type(link.update)


_KEEP = {
    _kind(link)
    for link in (
        add_decayed_weights(0.0),
        add_l1_decay(0.0),
        average_parameters(),
        clip(1.0),
        clip_by_global_norm(1.0),
        momentum(0.9),
        momentum(0.9, nesterov=True),
        momentum(linear_onecycle_momentum(steps=9)),
        scale_by_adam(),
        scale_by_lion(),
        scale_by_muon(),
        scale_by_rms(),
        scale_by_rms(bias_correction=True),
        scale_by_rss(),
        scale_by_stddev(),
    )
}
"""The rules that keep the direction of the updates."""

_SCHEDULE_FREE = _kind(schedule_free(1.0))


def check_descends(optimizer: Optimizer | Transformation) -> None:
    """Refuse a chain of known links that climbs or never moves.

    Raises
    ------
    InputError
        If it has several learning rates, or a factor of 0; or if its learning rate and its
        negative factors are together an even number, none among them.
    """
    rates, factors = 0, []
    for link in chain(optimizer).transformations:
        rule = link.update
        if _kind(link) is _SCHEDULE_FREE or (isinstance(rule, Scaling) and rule.descends):
            rates += 1
        elif isinstance(rule, Scaling) and isinstance(link.init, Beginning):
            factors.append(link.init.numbers[0])
        elif _kind(link) not in _KEEP:
            return
    turns = rates + sum(factor < 0.0 for factor in factors)
    if rates > 1:
        raise InputError(
            f"optimizer={optimizer!r} has {rates} learning rates, and each turns the updates "
            "round; keep one: an optimizer such as bpx.Adam() has its own, and "
            "bpx.optim.scale_by_adam() is its rule alone"
        )
    if 0.0 in factors:
        raise InputError(
            f"optimizer={optimizer!r} multiplies the updates by 0, so that the weights never "
            "move; expected another factor in bpx.optim.scale"
        )
    if not turns:
        raise InputError(
            f"optimizer={optimizer!r} has no learning rate, so that what it adds to the "
            "weights raises the cost; end it with bpx.optim.scale_by_learning_rate(0.01), with "
            "an optimizer such as bpx.SGD(0.01), or with a negative factor, as "
            "bpx.optim.scale(-0.01)"
        )
    if turns % 2 == 0:
        raise InputError(
            f"optimizer={optimizer!r} turns the updates round {turns} times, by a learning "
            "rate and by negative factors, so that what it adds to the weights raises the "
            "cost; keep an odd number of these, such as the learning rate alone"
        )
