"""Train a case whenever told to, and print the seconds of processor time that it took.

Each line that is read is a number of epochs, and answered by one line, the seconds. What is
to be compiled is so before the first.
"""

import gc
import sys
from time import process_time
from typing import Any

from start import begin


def main() -> None:
    """Warm up, then answer until there is nothing more to read."""
    job = begin()
    from cases import CASES

    case = CASES[job["case"]]
    data = case.data()
    _seconds(case, job["backend"], data, 1)
    for line in sys.stdin:
        print(_seconds(case, job["backend"], data, int(line)), flush=True)


def _seconds(case: Any, backend: str, data: tuple[Any, Any], epochs: int) -> float:
    """Of a training that always begins at the same weights."""
    network = case.network(backend)
    gc.collect()
    began = process_time()
    case.fit(network, data, epochs)
    return process_time() - began


if __name__ == "__main__":
    main()
