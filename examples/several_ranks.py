"""Train one network on several processes: each computes its part of every mini-batch.

    pip install '.[cli,mpi,sklearn]'
    mpiexec -n 2 python examples/several_ranks.py

The weights are those of one process, up to rounding. Slurm's `srun` starts it in the same way,
and so does `torchrun --nproc-per-node 2`, for networks on PyTorch.
"""

import logging
import sys

import bpx


def main(folder: str | None = None) -> bpx.History:
    logging.basicConfig(format="%(message)s")
    digits = bpx.data.load("digits")
    net = bpx.Network([64, 100, 10], output="softmax", cost="cross_entropy", seed=0)
    return net.fit(
        *digits.train,
        epochs=5,
        batch_size=64,  # of all processes together
        optimizer=bpx.Adam(),
        validation=digits.validation,
        seed=0,
        ranks="auto",  # those that mpiexec, srun or torchrun started; alone without them
        callbacks=[show],  # which the first process calls, for all
        checkpoint=folder,  # on a disk that all of them see
        resume=folder is not None,
    )


def show(epoch: bpx.Epoch) -> None:
    print(
        f"epoch {epoch.number}: cost {epoch.cost:.4f}, accuracy "
        f"{epoch.validation.accuracy:.1%}, {epoch.samples_per_second:,.0f} samples/s",
        flush=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
