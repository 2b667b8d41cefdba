"""Let functions of a trace take a network and samples too, and compute the trace."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from itertools import takewhile
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from bpx.errors import InputError
from bpx.model.expected import as_inputs
from bpx.model.inputs import Placed, inputs, samples
from bpx.model.parameters import Parameters
from bpx.model.passes import backprop, forward
from bpx.model.trace import WithLayers

__all__ = ["FromNetwork", "takes_network"]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

_OF_A_NETWORK = ("spec", "parameters", "feedback", "trace", "y")
"""The parameters of functions that a network and samples determine, by name."""


class FromNetwork(Protocol[P, R]):
    """A function that takes a network's fields and a trace, or the network and samples."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, network: Placed, /, *args: Any, **kwargs: Any) -> R: ...


def takes_network(
    *, forward_only: bool = False
) -> Callable[[Callable[P, R]], FromNetwork[P, R]]:
    """Let a function take a network in place of its spec, parameters, trace and y.

    ``function(network, x, y, ...)`` then computes the trace with `backprop`. With
    `forward_only`, if the function does not take y, ``function(network, x, ...)`` computes it
    with `forward`. Call a function that takes no trace as ``function(network, ...)``. x and
    y are arrays from anywhere.

    Parameters
    ----------
    forward_only : bool
        Whether a trace of a forward pass is sufficient.
    """

    def taking(function: Callable[P, R]) -> FromNetwork[P, R]:
        given = list(
            takewhile(lambda name: name in _OF_A_NETWORK, signature(function).parameters)
        )
        asked = [name for name in ("x", "y") if "trace" in given]
        if forward_only and "y" not in given:
            asked = asked[:1]
        name = str(getattr(function, "__name__", function))

        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> R:
            if not args or not _is_network(args[0]):
                return function(*args, **kwargs)
            network, rest = args[0], args[1:]
            _check(name, asked, network, rest)
            with network.home.active():
                found = _given(network, rest[: len(asked)], forward_only)
                own = (found[each] for each in given)
                return function(*own, *rest[len(asked) :], **kwargs)

        called.__doc__ = _told(function.__doc__ or "", name, asked)
        return called

    return taking


def _check(name: str, asked: list[str], network: Any, rest: tuple[Any, ...]) -> None:
    """Raise InputError for a network without samples, or followed by a spec's arguments."""
    call = f"bpx.inspect.{name}({', '.join(('net', *asked))}, ...)"
    if rest and isinstance(rest[0], Parameters | WithLayers):
        raise InputError(
            f"a {type(network).__name__} was given as the spec, followed by {rest[0]!r}; "
            f"expected net.spec there, or samples after the network: {call}"
        )
    if len(rest) < len(asked):
        raise InputError(
            f"a {type(network).__name__} was given without {' and '.join(asked[len(rest) :])}; "
            f"expected {call}, or the trace that net.backprop(x, y) returns"
        )


def _is_network(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("spec", "home", "parameters", "feedback"))


def _given(network: Placed, data: tuple[Any, ...], forward_only: bool) -> dict[str, Any]:
    """Return the arguments that a network and samples determine, by name."""
    spec, parameters, feedback = network.spec, network.parameters, network.feedback
    found: dict[str, Any] = {"spec": spec, "parameters": parameters, "feedback": feedback}
    if not data:
        return found
    like, x = parameters.like, data[0]
    if len(data) == 1:
        x = as_inputs(inputs(network.home, spec, x), like)
        return found | {"trace": forward(spec, parameters, x)}
    arrived = samples(network.home, spec, x, data[1])
    x, y = as_inputs(arrived.x, like), arrived.y
    if forward_only:
        return found | {"trace": forward(spec, parameters, x), "y": y}
    trace = backprop(spec, parameters, x, y, feedback=feedback)
    return found | {"trace": trace, "y": y}


def _told(doc: str, name: str, asked: list[str]) -> str:
    """Add a sentence to the docstring about the call with a network."""
    summary, section, rest = doc.partition("\n\n    Parameters\n")
    call = f"``{name}({', '.join(('network', *asked))}, ...)``"
    what = (
        f" computes the trace itself; {' and '.join(asked)} come from anywhere" if asked else ""
    )
    return f"{summary}\n\n    With a network, {call}{what or ' takes its own'}.{section}{rest}"
