"""Engines that replay a planned step: `bpx.plan` says what is done, these do it."""
