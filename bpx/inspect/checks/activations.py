"""Check an activation's formulas against differences of its sigma, and each other."""

from collections.abc import Callable
from typing import Any

from bpx._typing import Array
from bpx.activations import Activation, Elementwise, Rowwise
from bpx.arrays.home import Home
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import to_host
from bpx.inspect.checks.behaviour import Call, behaves, finite, misshapen, portable
from bpx.inspect.checks.differences import Slope, known, slope, slopes, tiled, unit_vectors
from bpx.inspect.checks.draws import Draws
from bpx.inspect.checks.report import Row, by_sample, by_unit, compared

__all__ = ["activation_rows"]

_SAMPLES, _UNITS = 96, 5
_EXTREMES = (0.0, 30.0, 1e2, 1e3, 1e4)


def activation_rows(
    sigma: Activation, wide: Home, narrow: Home, tolerance: float, seed: int
) -> list[Row]:
    """Check everything about an activation that needs no network.

    Parameters
    ----------
    sigma : Activation
    wide, narrow : Home
        Homes of float64, where derivatives are compared, and of float32.
    tolerance : float
        The largest relative deviation that passes.
    seed : int
        The seed of the points.
    """
    with narrow.active():
        few = _calls(sigma, Draws(narrow, seed))
    with wide.active():
        rows = behaves(sigma.name, _calls(sigma, Draws(wide, seed)), few, tolerance)
        if all(row.ok for row in rows):
            rows += _derivatives(sigma, Draws(wide, seed), tolerance)
            rows.append(finite(sigma.name, _extreme_calls(sigma, Draws(wide, seed))))
    return rows + portable(sigma.name, lambda home: _calls(sigma, Draws(home, seed)))


def _functions(sigma: Activation) -> dict[str, Callable[..., Any]]:
    """Return the functions that the activation was made with besides sigma, by name."""
    names: tuple[str, ...]
    if isinstance(sigma, Elementwise):
        names = ("sigma_prime", "sigma_second")
    elif isinstance(sigma, Rowwise):
        names = ("pull", "push", "bend")
    else:
        names = ("pullback", "pushforward", "pullback_derivative")
    given = {name: getattr(sigma, name, None) for name in names}
    return {name: function for name, function in given.items() if function is not None}


_TAKES = {
    "sigma_prime": "",
    "sigma_second": "",
    "pull": "g",
    "push": "v",
    "bend": "gv",
    "pullback": "g",
    "pushforward": "v",
    "pullback_derivative": "gv",
}
"""The arguments of each function besides z and a."""


def _calls(sigma: Activation, draws: Draws) -> list[Call]:
    return _calls_at(sigma, draws.widely(_SAMPLES, _UNITS), draws)


def _extreme_calls(sigma: Activation, draws: Draws) -> list[Call]:
    """Return calls at zeros, and at rows of mixed signs that grow large."""
    signs = draws.signs(4, _UNITS)
    xp = namespace(signs)
    return _calls_at(sigma, xp.concat([size * signs for size in _EXTREMES]), draws)


def _calls_at(sigma: Activation, z: Array, draws: Draws) -> list[Call]:
    """Return calls of every function of the activation, or of sigma alone if it fails."""
    shape = (z.shape[0], z.shape[1])
    others = {"g": draws.normal(*shape), "v": draws.normal(*shape)}
    first = Call("sigma", sigma.sigma, (z,), shape)
    if misshapen(first):
        return [first]
    a = first()
    return [first] + [
        Call(name, function, (z, a, *(others[each] for each in _TAKES[name])), shape)
        for name, function in _functions(sigma).items()
    ]


def _derivatives(sigma: Activation, draws: Draws, tolerance: float) -> list[Row]:
    if isinstance(sigma, Elementwise):
        return _elementwise(sigma, draws, tolerance)
    return _rowwise(sigma, draws, tolerance)


def _elementwise(sigma: Elementwise, draws: Draws, tolerance: float) -> list[Row]:
    """Compare sigma' and sigma'', number by number."""
    z = draws.widely(_SAMPLES, _UNITS)
    xp, a, numbers = namespace(z), sigma.sigma(z), to_host(z).reshape(-1)

    def row(equation: str, given: Array, expected: Slope) -> Row:
        place = lambda i: f"z = {numbers[i]:.6g}"  # noqa: E731
        return compared(equation, None, sigma.name, given, expected, tolerance, place)

    alone = xp.reshape(sigma.sigma(xp.reshape(z, (-1, 1))), z.shape)
    rows = [
        row("each unit alone", a, known(alone)),
        row("sigma'", sigma.sigma_prime(z, a), slope(lambda t: sigma.sigma(z + t))),
    ]
    if sigma.sigma_second is not None:
        prime = slope(lambda t: sigma.sigma_prime(z + t, sigma.sigma(z + t)))
        rows.append(row("sigma''", sigma.sigma_second(z, a), prime))
    return rows


def _rowwise(sigma: Activation, draws: Draws, tolerance: float) -> list[Row]:
    """Compare J^T g, J v and the derivative of J^T g, row by row."""
    z = draws.widely(_SAMPLES, _UNITS)
    g, v = draws.normal(*z.shape), draws.normal(*z.shape)
    xp, a, many = namespace(z), sigma.sigma(z), tiled(g, _UNITS)

    def pulled(z: Array) -> Array:
        return sigma.pullback(z, sigma.sigma(z), g)

    # J^T g is the gradient of the sum of g ⊙ sigma(z) in each row.
    expected = {
        "g": slopes(lambda z: xp.sum(many * sigma.sigma(z), axis=1), z, unit_vectors(z)),
        "v": slope(lambda t: sigma.sigma(z + t * v)),
        "gv": slope(lambda t: pulled(z + t * v)),
    }
    rows = []
    for name, function in _functions(sigma).items():
        takes, place = _TAKES[name], by_unit(_UNITS)
        given = function(z, a, *({"g": g, "v": v}[each] for each in takes))
        if takes == "g":
            given, place = xp.reshape(given.mT, (-1,)), by_sample(_SAMPLES)
        rows.append(compared(name, None, sigma.name, given, expected[takes], tolerance, place))
    return rows
