#!/bin/bash
# Train by torchrun. On one machine with two processes:
#
#     bash examples/torchrun.sh runs/digits
#
# On two machines with four processes each, in a folder that both share, run on both:
#
#     NODES=2 RANKS=4 FIRST=host1:29500 bash examples/torchrun.sh runs/digits
#
# If a process dies, torchrun starts all of them again, from the newest checkpoint in the folder.

export BPX_RANKS=torch
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}  # the cores of one rank

exec torchrun \
  --nnodes="${NODES:-1}" --nproc-per-node="${RANKS:-2}" \
  --rdzv-backend=c10d --rdzv-endpoint="${FIRST:-localhost:29500}" --rdzv-id=bpx \
  --max-restarts=3 \
  examples/several_ranks.py "$@"
