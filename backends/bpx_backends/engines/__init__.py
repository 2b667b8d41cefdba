"""Engines that replay a planned step: `bpx.program.plan` says what is done, these do it."""
