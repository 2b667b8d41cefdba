"""A cost that the output's activation chooses."""

from dataclasses import dataclass

from bpx.activations import Activation, sigmoid, softmax
from bpx.costs.cost import Cost
from bpx.errors import InputError, option

__all__ = ["Choice"]


@dataclass(frozen=True)
class Choice:
    """Two costs: one after softmax, one after sigmoid. A network takes it as its `cost`.

    Attributes
    ----------
    name : str
    categorical, binary : Cost
    """

    name: str
    categorical: Cost
    binary: Cost

    def __repr__(self) -> str:
        return f"<bpx.costs.Choice {self.categorical.name!r} or {self.binary.name!r}>"

    def after(self, output: Activation) -> Cost:
        """Return the cost that follows `output`.

        Raises
        ------
        InputError
            If it is neither softmax nor sigmoid.
        """
        if output == softmax:
            return self.categorical
        if output == sigmoid:
            return self.binary
        raise InputError(
            f"{option('cost', self.name)} was given with {option('output', output.name)}; it "
            "is categorical after softmax and binary after sigmoid: use "
            f"{option('output', 'softmax')} or {option('output', 'sigmoid')}, or another cost, "
            f"such as {option('cost', 'quadratic')}"
        )
