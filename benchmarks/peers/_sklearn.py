"""scikit-learn's MLPClassifier, for reference.

An epoch is ``fit`` with ``warm_start=True`` and ``max_iter=1``, with scikit-learn's own order
and mini-batches and no Python call from here in between (``partial_fit`` for each mini-batch
would validate each one again). The work differs: the output is softmax, or one sigmoid for two
classes, with cross-entropy in every case; the initial weights are its own; Adam and momentum
start anew at each epoch; and it keeps no accuracy.
"""

import warnings
from functools import partial

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.cases import MOMENTUM, Problem
from benchmarks.peers import Answer, Outcome, Train

ACTIVATIONS = {"sigmoid": "logistic", "relu": "relu", "tanh": "tanh"}


def fit(problem: Problem) -> Train:
    network = _network(problem)

    def train() -> Outcome:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch at a time
            network.fit(problem.x, problem.y)
        return Outcome(network.loss_)

    return train


def answers(problem: Problem, batch: int) -> Answer:
    """A network after one mini-batch: before that, it has no weights."""
    case, network = problem.case, _network(problem)
    few = slice(case.batch)
    network.partial_fit(problem.x[few], problem.y[few], classes=range(case.sizes[-1]))
    return partial(network.predict_proba, problem.x[:batch])


def _network(problem: Problem) -> MLPClassifier:
    case = problem.case
    return MLPClassifier(
        case.sizes[1:-1],
        activation=ACTIVATIONS[case.hidden],
        solver="adam" if case.optimizer == "adam" else "sgd",
        learning_rate_init=case.eta,
        batch_size=case.batch,
        alpha=0.0,
        momentum=MOMENTUM if case.optimizer == "momentum" else 0.0,
        nesterovs_momentum=False,
        max_iter=1,
        warm_start=True,
        random_state=problem.seed,
    )
