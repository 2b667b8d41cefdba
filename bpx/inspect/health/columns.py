"""The columns that health adds to a run's ``history.csv``."""

from bpx.inspect.health.diagnosis import diagnose
from bpx.inspect.health.examination import Health

__all__ = ["columns", "row"]

_BY_LAYER = ("delta", "saturated", "dead", "update")


def columns(health: Health) -> list[str]:
    """Return the columns: ``delta_1`` ... ``update_L``, ``lost``."""
    numbers = range(1, len(health.errors) + 1)
    return [*(f"{name}_{i}" for name in _BY_LAYER for i in numbers), "lost"]


def row(health: Health) -> tuple[object, ...]:
    """Return the values of these columns; lost outputs are separated by spaces."""
    lost = [unit for each in diagnose(health) if each.kind == "lost" for unit in each.units]
    updates = health.updates or (None,) * len(health.errors)
    dead = map(len, health.dead)
    return (*health.errors, *health.saturated, *dead, *updates, " ".join(map(str, lost)))
