"""Engines that replay a planned step: `bpx.program.plan` says what to do, and they do it."""
