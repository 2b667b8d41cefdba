"""The command line: ``bpx train``, ``resume``, ``evaluate``, ``predict`` and other commands.

It is thin: all its work is done by public functions of bpx. It needs click, rich and
tomli-w, which the extra ``cli`` installs; importing bpx imports none of them.
"""

import sys

__all__ = ["main"]

_EXTRA = ("click", "rich", "tomli_w")


def main() -> None:
    """Run the command line with the arguments of the process, and exit.

    The exit code is 0 for success, 1 for an error that bpx reports, 2 for arguments that
    cannot be parsed, 75 if SIGTERM or SIGUSR1 ended a run after a checkpoint, and 130 after
    Ctrl-C.
    """
    try:
        from bpx.cli.commands import cli
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        sys.exit(
            f"The command line needs {missing.replace('_', '-')}, which is not installed; "
            "install it in a clone of bpx with: pip install '.[cli]'"
        )
    except KeyboardInterrupt:
        sys.exit(130)
    cli(prog_name="bpx")
