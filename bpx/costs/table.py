"""The built-in costs by name, and those with parameters by the text that names them."""

import ast
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Literal, TypeAlias

from bpx.activations import ACTIVATIONS, Activation
from bpx.costs.choice import Choice
from bpx.costs.cost import Cost
from bpx.costs.entropies import (
    binary_cross_entropy,
    categorical_cross_entropy,
    cross_entropy,
    kl_divergence,
    smoothed_binary,
    smoothed_categorical,
)
from bpx.costs.focal import binary_focal, categorical_focal, focal
from bpx.costs.margins import categorical_hinge, hinge
from bpx.costs.regression import huber, log_cosh, mae, poisson, quadratic, quantile
from bpx.errors import InputError, advice, at_the_prompt, nearest, option

__all__ = [
    "CHOICES",
    "COSTS",
    "BuiltInCost",
    "CostName",
    "built_in",
    "check_width",
    "get",
    "named",
]

COSTS = {
    each.name: each
    for each in (
        quadratic,
        binary_cross_entropy,
        categorical_cross_entropy,
        mae,
        huber(),
        log_cosh,
        quantile(),
        poisson,
        kl_divergence,
        binary_focal(),
        categorical_focal(),
        hinge,
        categorical_hinge,
    )
}

BuiltInCost: TypeAlias = Literal[
    "quadratic",
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "mae",
    "huber",
    "log_cosh",
    "quantile",
    "poisson",
    "kl_divergence",
    "binary_focal",
    "categorical_focal",
    "hinge",
    "categorical_hinge",
]
CostName: TypeAlias = Literal[BuiltInCost, "cross_entropy", "focal"]

CHOICES = {each.name: each for each in (cross_entropy(), focal())}

_FAMILIES: dict[str, Callable[..., Cost | Choice]] = {
    "huber": huber,
    "quantile": quantile,
    "binary_cross_entropy": smoothed_binary,
    "categorical_cross_entropy": smoothed_categorical,
    "cross_entropy": cross_entropy,
    "binary_focal": binary_focal,
    "categorical_focal": categorical_focal,
    "focal": focal,
}
"""The costs that have parameters: ``huber(delta=0.5)`` is read as a call of one of these."""

_LONGEST = 500
"""The most characters of a name with parameters, which a file may hold."""


def built_in(name: str) -> Cost | Choice | None:
    """Return the built-in cost of a name, such as ``huber(delta=0.5)``, or None."""
    try:
        return named(name)
    except InputError:  # a custom cost may have any name
        return None


def named(name: str) -> Cost | Choice | None:
    """Return the built-in cost of a name; None for another name.

    Raises
    ------
    InputError
        If it is that of a cost with parameters, but these cannot be used.
    """
    known = COSTS.get(name) or CHOICES.get(name)
    family, bracket, _ = name.partition("(")
    if known is not None or not bracket or family not in _FAMILIES:
        return known
    unknown = ""
    try:
        with at_the_prompt(None):  # there, too, the parameters are written as in Python
            given, by_name = _arguments(name)
            unknown = _unknown(family, by_name)
            return _FAMILIES[family](*given, **by_name)
    except InputError as error:
        raise InputError(f"the cost {name!r} cannot be made: {error}") from None
    except (SyntaxError, TypeError, ValueError) as error:
        raise InputError(
            f"the cost {name[:_LONGEST]!r} was given{unknown}; expected numbers in the "
            "brackets, as in huber(delta=0.5), quantile(0.1, 0.5, 0.9) or "
            "cross_entropy(label_smoothing=0.1)"
        ) from error


def _unknown(family: str, by_name: Mapping[str, Any]) -> str:
    """Say which of the names a cost does not have, with the nearest that it has."""
    known = signature(_FAMILIES[family]).parameters
    wrong = [f"{each!r}{nearest(each, known)}" for each in by_name if each not in known]
    return f", but {family} has no {', '.join(wrong)}" if wrong else ""


def _arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    if len(text) > _LONGEST:  # Python's parser may crash on much deeper nesting
        raise ValueError(text)
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError(text)
    if any(each.arg is None for each in call.keywords):
        raise ValueError(text)
    by_name = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    return [ast.literal_eval(each) for each in call.args], by_name


def get(cost: CostName | Cost | Choice, output: Activation) -> Cost:
    """Return the cost with that name, or the value itself, if it accepts `output`.

    Raises
    ------
    InputError
        If the name is unknown, the value is not a cost, or the cost does not accept
        `output`.
    """
    found: Any = named(cost) if isinstance(cost, str) else cost
    if found is None and isinstance(cost, str):
        names = (*COSTS, *CHOICES)
        raise InputError(
            f"there is no cost {cost!r}{nearest(cost, names)}; known: {', '.join(names)}"
            + advice("; or pass a bpx.Cost of your own", "")
        )
    if isinstance(found, Choice):
        return found.after(output)
    if not isinstance(found, Cost):
        raise InputError(
            f"{cost!r} was given as a cost; expected one of {', '.join(COSTS)}, "
            f"{', '.join(CHOICES)}, or a bpx.Cost(name, value, grad_a)"
        )
    return _refuse_senseless(found, output)


def check_width(cost: Cost, outputs: int) -> None:
    """Refuse a number of outputs that does not suit the cost.

    Raises
    ------
    InputError
        If the targets' columns cannot share them equally, or there is one for all classes.
    """
    if outputs % cost.per_target:
        raise InputError(
            f"{option('cost', cost.name)} was given with {outputs} "
            f"output{'' if outputs == 1 else 's'}; expected {cost.per_target} for each target"
        )
    if cost.targets == "one_hot" and outputs == 1:
        raise InputError(
            f"{option('cost', cost.name)} was given with a single output; expected one for "
            f"each class, or {option('cost', 'hinge')} for two classes"
        )


def _refuse_senseless(cost: Cost, output: Activation) -> Cost:
    built_in = ACTIVATIONS.get(output.name) == output
    if cost.outputs is not None and built_in and output not in cost.outputs:
        raise InputError(
            f"{option('cost', cost.name)} was given with {option('output', output.name)}; it "
            f"needs {_outputs(*(each.name for each in cost.outputs))}, where it is stable"
        )
    return cost


def _outputs(*names: str) -> str:
    return " or ".join(option("output", name) for name in names)
