"""Diagnose a `Health`: what is wrong, in which layer and units, and what to try."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from bpx.errors import InputError, option
from bpx.inspect.health.fields import HealthFields
from bpx.inspect.health.limits import Limits, checked

__all__ = ["Finding", "diagnose"]

_LISTED = 10


class Finding(NamedTuple):
    """One problem; ``str(finding)`` describes it in a sentence.

    Attributes
    ----------
    layer : int
        The layer, from 1 to L.
    kind : str
        "vanishing", "exploding", "saturated", "dead", "lost", "quiet" or "updates".
    units : tuple of int
        Indices of units of the layer or, for "quiet", of the layer before; empty for all.
    value : float
        The value compared with `Limits`; for "dead", the fraction of the layer's units.
    what, advice : str
        What is wrong, and what to try.
    """

    layer: int
    kind: str
    units: tuple[int, ...]
    value: float
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}; {self.advice}"


def diagnose(health: HealthFields, limits: Limits | None = None) -> tuple[Finding, ...]:
    """Find what is wrong with a network, and what to try.

    Parameters
    ----------
    health : Health
        The result of `examine`, or the health of an `Epoch`.
    limits : Limits, optional
        The thresholds; `share` and `quiet` must be those given to `examine`.

    Returns
    -------
    tuple of Finding
        The findings, lost outputs first; empty for a healthy network.

    Raises
    ------
    InputError
        If `health` is not a `Health`.

    Examples
    --------
    >>> net = bpx.Network([2, 30, 30, 30, 30, 30, 2], seed=0)
    >>> health = bpx.inspect.examine(net, [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> [(finding.layer, finding.kind) for finding in bpx.inspect.diagnose(health)]
    [(1, 'vanishing')]
    """
    if not isinstance(health, HealthFields):
        raise InputError(
            f"a {type(health).__name__} was given; expected a Health, such as epoch.health of "
            "bpx.train(..., health=True), or of bpx.inspect.examine"
        )
    limits = checked(limits)
    looks = (_lost, _vanishing, _exploding, _saturated, _dead, _updates, _quiet)
    return tuple(finding for look in looks for finding in look(health, limits))


def _lost(health: HealthFields, limits: Limits) -> Iterator[Finding]:
    """Find outputs that saturate at 0 and get no delta although they should be 1."""
    answers = zip(health.recall or (), health.passed or (), strict=True)
    lost = {
        j: passed
        for j, (recall, passed) in enumerate(answers)
        if recall is not None and recall < limits.recall
        if passed is not None and passed < limits.passed
    }
    if lost:
        units, most = tuple(lost), max(lost.values())
        yield Finding(
            len(health.activations),
            "lost",
            units,
            most,
            f"{_named('output', units)} lost: hardly ever the answer to samples of that class, "
            f"and at most {most:.1g} of that error is sent back, as sigma' is near 0",
            f"try {option('cost', 'cross_entropy')}, whose delta has no sigma', "
            f"{option('init', 'book')}, or a smaller eta",
        )


def _vanishing(health: HealthFields, limits: Limits) -> Iterator[Finding]:
    layer, ratio = min(_ratios(health), key=itemgetter(1), default=(0, 1.0))
    if ratio < limits.vanishing:
        of = f"1/{1.0 / ratio:,.0f} of" if ratio > 0.0 else "0, unlike"
        squashed = any(health.two_sided[layer - 1 : -1])
        yield Finding(
            layer,
            "vanishing",
            (),
            ratio,
            f"{_layer(health, layer)}: the error ‖delta‖ is {of} the last layer's, and it "
            "learns that much more slowly",
            f"try {option('hidden', 'relu')}, whose sigma' is 1 where it is on, or fewer layers"
            if squashed
            else f"try {option('init', 'he_normal')}, which keeps the errors' size, or fewer "
            "layers",
        )


def _exploding(health: HealthFields, limits: Limits) -> Iterator[Finding]:
    layer, ratio = max(_ratios(health), key=itemgetter(1), default=(0, 1.0))
    if ratio > limits.exploding:
        yield Finding(
            layer,
            "exploding",
            (),
            ratio,
            f"{_layer(health, layer)}: the error ‖delta‖ is {ratio:,.0f} times the last "
            "layer's",
            f"try smaller initial weights ({option('init', 'he_normal')} for relu, "
            f"{option('init', 'glorot_normal')} for tanh), or a smaller eta",
        )


def _saturated(health: HealthFields, limits: Limits) -> Iterator[Finding]:
    # Hidden layers only: outputs that are right are saturated.
    for layer, share in enumerate(health.saturated[:-1], 1):
        if share is not None and health.two_sided[layer - 1] and share >= limits.saturated:
            yield Finding(
                layer,
                "saturated",
                (),
                share,
                f"{_layer(health, layer)}: {share:.0%} of its units × samples are saturated, "
                "with sigma' near 0",
                "try inputs scaled to about [0, 1], smaller initial weights "
                f"({option('init', 'book')}), or a smaller eta",
            )


def _dead(health: HealthFields, limits: Limits) -> Iterator[Finding]:
    judged = health.dead if health.recall is None else health.dead[:-1]  # else by `_lost`
    for layer, units in enumerate(judged, 1):
        if units:
            width = health.sizes[layer]
            yield Finding(
                layer,
                "dead",
                units,
                len(units) / width,
                f"{_layer(health, layer)}: {len(units)} of {width} units learn from no sample, "
                f"since sigma' is 0 for all: {_named('unit', units)} dead",
                _revived(health, layer),
            )


def _revived(health: HealthFields, layer: int) -> str:
    """Advise on dead units; an output dies if its targets are out of reach."""
    if layer < len(health.activations):
        leaky, init = option("hidden", "leaky_relu"), option("init", "he_normal")
        return f"try a smaller eta, {leaky}, or {init}"
    name, identity = health.activations[-1], option("output", "identity")
    if health.two_sided[-1] or health.saturated[-1] is None:  # softmax has no sigma'
        return (
            f"check that the targets lie strictly within the range of {name}; for other "
            f"numbers use {identity}, or scale the targets; for 0 and 1 use "
            f"{option('output', 'sigmoid')} and {option('cost', 'cross_entropy')}, whose delta "
            "has no sigma'"
        )
    return (
        f"use {identity} if the targets can be any number, {option('output', 'softplus')}, "
        "which is never flat, if none is negative, or a smaller eta"
    )


def _updates(health: HealthFields, limits: Limits) -> Iterator[Finding]:
    for layer, ratio in enumerate(health.updates or (), 1):
        if ratio >= limits.updates:
            yield Finding(
                layer,
                "updates",
                (),
                ratio,
                f"{_layer(health, layer)}: a step moves the weights by {ratio:.2g} of their "
                "norm",
                "try a smaller eta; 0.001 is usual",
            )


def _quiet(health: HealthFields, limits: Limits) -> Iterator[Finding]:
    for layer, units in enumerate(health.quiet, 1):
        if units:
            yield Finding(
                layer,
                "quiet",
                units,
                limits.quiet,
                f"{_layer(health, layer)}: {_named('unit', units)} below {limits.quiet:g} of "
                f"the largest in layer {layer - 1}; by BP4 the weights from there learn that "
                "much more slowly",
                "try inputs scaled to the same range"
                if layer == 1
                else f"try another init, such as {option('init', 'he_normal')}",
            )


def _ratios(health: HealthFields) -> Iterator[tuple[int, float]]:
    """Yield each layer but the last, with its error over the last one's unless that is 0."""
    *before, last = health.errors
    if last > 0.0:
        yield from ((layer, error / last) for layer, error in enumerate(before, 1))


def _layer(health: HealthFields, layer: int) -> str:
    return f"layer {layer} of {len(health.errors)}"


def _named(noun: str, units: Sequence[int]) -> str:
    """Name units as a subject and a verb, such as "outputs 2, 5 and 7 are"."""
    if len(units) == 1:
        return f"{noun} {units[0]} is"
    if len(units) > _LISTED:
        return f"{noun}s {', '.join(map(str, units[:_LISTED]))}, … are"
    return f"{noun}s {', '.join(map(str, units[:-1]))} and {units[-1]} are"
