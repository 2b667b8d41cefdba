#!/bin/bash
# Train on several nodes under Slurm. Before its time is up, the job writes a checkpoint and queues
# itself again; after a node has died, Slurm does so. It then goes on from the newest checkpoint.
#
#     sbatch examples/slurm.sh
#
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append

# module load openmpi             # the MPI that mpi4py was built with
source .venv/bin/activate

export BPX_RANKS=mpi
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK  # the cores of one rank
folder=runs/$SLURM_JOB_ID                    # on a file system that all nodes share

# `srun --mpi=list` shows what the cluster has: pmix is for Open MPI, pmi2 for MPICH.
srun --mpi="${MPI_PLUGIN:-pmix}" --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  python examples/several_ranks.py "$folder"
code=$?

if [ $code -eq 75 ]; then  # a signal ended it, after a checkpoint
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
