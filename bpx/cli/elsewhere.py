"""The options of other programs, by the names that ``bpx`` has for them."""

import click

__all__ = ["named"]

_ELSEWHERE = {
    "--lr": "--eta",
    "--learning-rate": "--eta",
    "--lr-scheduler": "--schedule",
    "--scheduler": "--schedule",
    "--weight-decay": "--decay",
    "--wd": "--decay",
    "--l2": "--lmbda",
    "--alpha": "--lmbda",
    "--lambda": "--lmbda",
    "--loss": "--cost",
    "--criterion": "--cost",
    "--activation": "--hidden",
    "--hidden-layer-sizes": "--layers",
    "--hidden-sizes": "--layers",
    "--sizes": "--layers",
    "--units": "--layers",
    "--optim": "--optimizer",
    "--solver": "--optimizer",
    "--batch": "--batch-size",
    "--bs": "--batch-size",
    "--max-iter": "--epochs",
    "--n-epochs": "--epochs",
    "--num-epochs": "--epochs",
    "--patience": "--early-stopping",
    "--validation-split": "--validation-fraction",
    "--val-split": "--validation-fraction",
    "--device": "--backend",
    "--random-state": "--seed",
    "--output-dir": "--out",
}


def named(error: click.NoSuchOption) -> click.NoSuchOption:
    """Return the error with the option that is meant, if the command has it."""
    given, ctx = error.option_name, error.ctx
    name = given.replace("_", "-")
    there = {flag for each in (ctx.command.params if ctx else ()) for flag in each.opts}
    meant = name if name in there else _ELSEWHERE.get(name)
    if meant not in there:
        return error
    return click.NoSuchOption(
        given, f"No such option {given!r}. Did you mean {meant!r}?", ctx=ctx
    )
