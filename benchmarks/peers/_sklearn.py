"""scikit-learn's MLPClassifier, for reference.

An epoch is ``fit`` with ``warm_start=True`` and ``max_iter=1``: its own order, its own
mini-batches, no call of ours inside (``partial_fit`` for each mini-batch would validate each
one again). It differs in what it allows: the output is softmax with cross-entropy in every
case, the weights are its own, Adam begins anew at each epoch, and it keeps no accuracy.
"""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.cases import Problem
from benchmarks.peers import Outcome, Train

ACTIVATIONS = {"sigmoid": "logistic", "relu": "relu"}


def fit(problem: Problem) -> Train:
    case = problem.case
    network = MLPClassifier(
        case.sizes[1:-1],
        activation=ACTIVATIONS[case.hidden],
        solver=case.optimizer,
        learning_rate_init=case.eta,
        batch_size=case.batch,
        alpha=0.0,
        momentum=0.0,
        nesterovs_momentum=False,
        max_iter=1,
        warm_start=True,
        random_state=problem.seed,
    )

    def train() -> Outcome:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch at a time
            network.fit(problem.x, problem.y)
        return Outcome(network.loss_)

    return train
