#!/bin/bash
# Train on all devices of one machine by JAX, without a launcher:
#
#     bash examples/devices.sh runs/digits
#
# On a CPU, XLA makes two devices of one. With GPUs, leave out its flag.

export BPX_RANKS=devices
export XLA_FLAGS=--xla_force_host_platform_device_count=2

exec bpx train digits --backend jax --batch-size 64 --epochs 5 --seed 0 --out "$1"
