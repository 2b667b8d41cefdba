"""The number of threads of NumPy's products, which the engine uses too."""

import os

__all__ = ["threads"]


def threads() -> int:
    """Return the threads that NumPy's BLAS reports, or else at most the number of cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        wished = [os.environ.get(name, "") for name in _VARIABLES]
        return min(
            [int(each) for each in wished if each.isdigit() and int(each)] + [cores or 1]
        )
    blas = ThreadpoolController().select(user_api="blas").info()
    return max([each["num_threads"] for each in blas], default=cores or 1)


_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
