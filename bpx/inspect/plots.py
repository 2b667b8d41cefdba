"""Plots of health, of learning rates and of several seeds: they take Matplotlib axes.

Each plots into the given axes, returns them, and does not show the figure. Those of health take
the records of `bpx.train(..., health=True)`, or the results of `examine`. Without axes, each
makes a figure with pyplot.
"""

from collections.abc import Iterable, Sequence
from math import inf, nan
from typing import Any

from bpx.errors import InputError
from bpx.inspect.axes import axes_for
from bpx.inspect.health.diagnosis import diagnose
from bpx.inspect.health.examination import Health

__all__ = ["bands", "errors", "learning_rates", "outputs", "saturation", "updates"]

_FAINT, _DOTS, _BAD, _LINE = "#e9ecef", "#8a929b", "#c62f3b", "#31688e"
_MARKED = 30


def bands(found: Any, ax: Any = None) -> Any:
    """Plot the mean cost of several seeds over the epochs, with bands around it.

    The darker band is one standard deviation to both sides of the mean; the lighter one goes
    from the lowest to the highest cost.

    Parameters
    ----------
    found : Seeds
        The result of `bpx.seeds`.
    ax : matplotlib.axes.Axes, optional
        The axes to plot into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If Matplotlib is not installed.
    """
    ax = axes_for(ax)
    for name, color in (("cost", _DOTS), ("validation_cost", _LINE)):
        if (band := getattr(found, name)) is None:
            continue
        epochs = range(1, len(band.mean) + 1)
        around = {"color": color, "linewidth": 0.0}
        ax.fill_between(epochs, band.low, band.high, alpha=0.15, **around)
        inner = band.mean - band.std, band.mean + band.std
        ax.fill_between(epochs, *inner, alpha=0.25, **around)
        ax.plot(epochs, band.mean, color=color, linewidth=1.8, label=name.replace("_", " "))
    ax.set(xlabel="epoch", ylabel=f"cost, {len(found)} seeds")
    _plain(ax)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(frameon=False)
    return ax


def errors(records: Iterable[Any], ax: Any = None) -> Any:
    """Plot ‖delta^l‖ of each layer over the epochs, on a logarithmic scale.

    Parameters
    ----------
    records : iterable of Epoch or of Health, or one of them
        For example a `History`.
    ax : matplotlib.axes.Axes, optional
        The axes to plot into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a record has no health, or Matplotlib is not installed.
    """
    healths, ax = _healths(records), axes_for(ax)
    _lines(ax, [health.errors for health in healths], "‖delta‖, mean over the samples")
    return ax


def updates(records: Iterable[Any], ax: Any = None) -> Any:
    """Plot ‖Δw^l‖ / ‖w^l‖ of one step over the epochs, on a logarithmic scale.

    The dotted line is at 0.001, a usual value.

    Parameters
    ----------
    records : iterable of Epoch or of Health, or one of them
        Records of training; the results of `examine` have no updates.
    ax : matplotlib.axes.Axes, optional
        The axes to plot into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a record has no health or no updates, or Matplotlib is not installed.
    """
    healths = _healths(records)
    ratios = [health.updates for health in healths if health.updates is not None]
    if len(ratios) < len(healths):
        raise InputError(
            "a record has no updates; expected those of bpx.train(..., health=True)"
        )
    ax = axes_for(ax)
    ax.axhline(1e-3, color=_DOTS, linewidth=1.5, linestyle=":", zorder=1)
    _lines(ax, ratios, "‖Δw‖ / ‖w‖ of a step")
    return ax


def saturation(records: Iterable[Any], ax: Any = None) -> Any:
    """Plot the fraction of saturated units × samples, a row for each layer, and the dead units.

    Parameters
    ----------
    records : iterable of Epoch or of Health, or one of them
        For example a `History`.
    ax : matplotlib.axes.Axes, optional
        The axes to plot into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a record has no health, or Matplotlib is not installed.
    """
    healths, ax = _healths(records), axes_for(ax)
    rows = list(zip(*(health.saturated for health in healths), strict=True))
    names = [f"layer {i}\n{name}" for i, name in enumerate(healths[0].activations, 1)]
    _tiles(ax, rows, names, "of units × samples saturated", "YlOrBr")
    for row, units in enumerate(healths[-1].dead):
        if units:
            _mark(ax, len(healths), row, f"{len(units)} dead")
    return ax


def outputs(records: Iterable[Any], ax: Any = None) -> Any:
    """Plot each output's recall of its own class over the epochs; lost outputs are red.

    Parameters
    ----------
    records : iterable of Epoch or of Health, or one of them
        Records of a network that classifies.
    ax : matplotlib.axes.Axes, optional
        The axes to plot into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a record has no health or no classes, or Matplotlib is not installed.
    """
    healths = _healths(records)
    recalls = [health.recall for health in healths if health.recall is not None]
    if len(recalls) < len(healths):
        raise InputError("a record has no classes; expected labels as targets")
    ax = axes_for(ax)
    rows = list(zip(*recalls, strict=True))
    names = [str(j) for j in range(len(rows))]
    _tiles(ax, rows, names, "of the output's own samples right", "viridis")
    ax.set_ylabel("output")
    lost = {j for each in diagnose(healths[-1]) if each.kind == "lost" for j in each.units}
    for j in lost:
        _mark(ax, len(healths), j, "lost")
        ax.get_yticklabels()[j].set(color=_BAD, fontweight="bold")
    return ax


def learning_rates(found: Any, ax: Any = None) -> Any:
    """Plot the costs of a learning rate range test, and its suggestion.

    Parameters
    ----------
    found : LearningRateRange
        The result of `bpx.learning_rate_range`.
    ax : matplotlib.axes.Axes, optional
        The axes to plot into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If Matplotlib is not installed.
    """
    ax = axes_for(ax)
    ax.plot(found.etas, found.costs, color=_DOTS, linewidth=0.8, alpha=0.6, label="each step")
    ax.plot(found.etas, found.smoothed, color=_LINE, linewidth=2.0, label="smoothed")
    if found.suggestion is not None:
        name = f"{found.suggestion:.2g}, {found.rule}"
        ax.axvline(found.suggestion, color=_BAD, linewidth=1.5, linestyle=":", label=name)
    low, high = min(found.smoothed), max(found.smoothed)
    room = 0.15 * (high - low) or 1.0
    ax.set(xlabel="eta", ylabel="cost", xscale="log", ylim=(low - room, high + room))
    _plain(ax)
    ax.legend(frameon=False)
    return ax


def _healths(records: Iterable[Any]) -> list[Health]:
    # A record is a tuple itself, so a single record is recognised by its fields
    one = isinstance(records, Health) or hasattr(records, "health")
    given = [records] if one else list(records)
    found = (e if isinstance(e, Health) else getattr(e, "health", None) for e in given)
    healths = [health for health in found if health is not None]
    if not healths or len(healths) < len(given):
        raise InputError(
            f"{len(healths)} of {len(given)} records have a health; expected records of "
            "bpx.train(..., health=True), or of bpx.inspect.examine"
        )
    if len({health.sizes for health in healths}) > 1:
        raise InputError("the records are of networks of different widths; expected one")
    return healths


def _lines(ax: Any, rows: Sequence[Sequence[float]], what: str) -> None:
    """Plot one line for each layer, from the first, which is the darkest, to the last."""
    from matplotlib import colormaps

    epochs, layers = range(1, len(rows) + 1), list(zip(*rows, strict=True))
    for i, values in enumerate(layers):
        ax.plot(
            epochs,
            [v if 0.0 < v < inf else nan for v in values],  # a logarithmic axis takes no others
            label=f"layer {i + 1}",
            color=colormaps["viridis"](0.9 * i / max(1, len(layers) - 1)),
            linewidth=1.8,
            marker="o" if len(rows) <= _MARKED else "",
            markersize=4,
        )
    ax.set(xlabel="epoch", ylabel=what, yscale="log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    _plain(ax)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, reverse=True)


def _plain(ax: Any) -> None:
    """Draw faint lines for the values, and no frame."""
    ax.grid(axis="y", color=_FAINT, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _tiles(
    ax: Any, rows: Sequence[Sequence[float | None]], names: Sequence[str], what: str, cmap: str
) -> None:
    """Plot a row of tiles for each name and a column for each epoch; unknown is grey."""
    epochs = len(rows[0])
    image = ax.imshow(
        [[nan if v is None else v for v in row] for row in rows],
        aspect="auto",
        interpolation="nearest",
        vmin=0.0,
        vmax=1.0,
        cmap=cmap,
        extent=(0.5, epochs + 0.5, len(rows) - 0.5, -0.5),
    )
    ax.hlines([i + 0.5 for i in range(len(rows) - 1)], 0.5, epochs + 0.5, "white", linewidth=2)
    ax.set_facecolor(_FAINT)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, label=what, format=lambda v, _: f"{v:.0%}")
    bar.outline.set_visible(False)


def _mark(ax: Any, epochs: int, row: int, text: str) -> None:
    """Write text at the end of a row of tiles."""
    ax.annotate(
        text,
        (epochs + 0.5, row),
        xytext=(-7, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=_BAD,
        fontsize=8,
        bbox={"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": "none"},
    )
