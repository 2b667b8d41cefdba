"""The arrays that the network gets after a step, which may be averages.

An optimizer that averages the parameters keeps the average in its state, beside the parameters
that training continues from: see `bpx.optim.chained.Averaging`. It sees the updates before the
layers apply their constraints, so these are applied to the average as well: a layer with a
`max_norm` keeps it in the network, too.
"""

from typing import Any

from bpx._typing import Array
from bpx.model.averages import averaged as completed
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.optim.chained import Update, adopted, averaged, averages
from bpx.training.restraints import constrained
from bpx.training.step import State, joined, parted

__all__ = ["Published", "adopting", "published"]

Published = tuple[Parameters, tuple[Array, ...]]
"""The parameters and the feedback arrays of a network."""


def published(spec: Spec, update: Update, state: State) -> Published:
    """Return the arrays for the network: those of the state, unless the optimizer averages."""
    own = state.parameters, state.feedback
    if not averages(update):
        return own
    means = constrained(spec, averaged(update, state.optimizer, joined(spec, *own)))
    learned = parted(spec, means) if spec.feedback.learns else (means, state.feedback)
    return completed(spec, state.parameters, learned[0]), learned[1]


def adopting(spec: Spec, update: Update, state: State, arrays: Published) -> State:
    """Return the state from which training continues with arrays that the caller has set."""
    parameters, feedback = arrays
    entered: Any = joined(spec, parameters, feedback) if averages(update) else parameters
    optimizer = adopted(update, state.optimizer, entered)
    return state._replace(parameters=parameters, feedback=feedback, optimizer=optimizer)
