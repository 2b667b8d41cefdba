"""Seconds of a grid search with two workers that start cold, and its accuracy in percent."""

import json
import sys
from time import perf_counter


def main() -> None:
    """Search with the library that is named, and print the seconds and the accuracy."""
    from sklearn.model_selection import GridSearchCV

    from benchmarks.estimators import CASES, SEARCH, estimator, samples

    x, y, *held_out = samples(SEARCH, None)
    grid = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2], "learning_rate_init": [3e-4, 1e-3, 3e-3]}
    made = estimator(sys.argv[1], CASES[SEARCH], 0, hidden_layer_sizes=(64,))
    search = GridSearchCV(made, grid, cv=5, n_jobs=2)
    began = perf_counter()
    search.fit(x, y)
    seconds = perf_counter() - began
    print(json.dumps([seconds, 100.0 * search.score(*held_out)]))


if __name__ == "__main__":
    main()
