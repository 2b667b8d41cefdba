"""What a step has in common with the plain step that it is made around."""

from typing import Any

from bpx._typing import Array
from bpx.model.spec import Spec
from bpx.training.step import TrainingStep

__all__ = ["Around"]


class Around:
    """A step that computes something else around a plain one, as the engines see it.

    Attributes
    ----------
    plain : TrainingStep
    """

    plain: TrainingStep

    @property
    def spec(self) -> Spec:
        """The layers and the cost."""
        return self.plain.spec

    @property
    def constrains(self) -> bool:
        """Whether a layer changes its parameters after the update."""
        return self.plain.constrains

    @property
    def precision(self) -> str:
        """The precision of the products, which the engine applies."""
        return self.plain.precision

    def picked(self, data: Any, rows: Array) -> tuple[Array, Array]:
        """The whole mini-batch, x and y as in the data."""
        return self.plain.picked(data, rows)
