"""Files from the network, kept only if their checksum is the known one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bpx.errors import InputError, advice

__all__ = ["fetch"]

_SECONDS = 30


def fetch(target: Path, checksum: str, urls: Sequence[str]) -> Path:
    """A file in the cache, downloaded if it is not there or not intact.

    Parameters
    ----------
    target : Path
        Where it is kept.
    checksum : str
        ``algorithm:hexdigest``, of the file as it is downloaded.
    urls : sequence of str
        Tried in this order, http or https.

    Returns
    -------
    Path
        `target`, which now has this checksum.

    Raises
    ------
    InputError
        No URL gave the file; the message has each one's reason. What was downloaded is
        removed again, and so are the folders made for it.
    """
    if _intact(target, checksum):
        return target
    pooch, failures = _pooch(target), []
    with _no_empty_folders(target.parent):
        for url in urls:
            failure = _attempt(pooch, url, target, checksum)
            if failure is None:
                return target
            failures.append(f"\n  {url}: {failure}")
    raise InputError(
        f"{target.name} could not be downloaded:{''.join(failures)}\n"
        f"expected to keep it in {target.parent}: name a folder that has the files "
        f"({advice('folder= or', '--data or')} BPX_DATA), another source "
        f"({advice('mirror= or ', '')}BPX_MIRROR), or another cache (BPX_CACHE)"
    )


def _intact(path: Path, checksum: str) -> bool:
    import hashlib

    algorithm, _, digest = checksum.partition(":")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest() == digest
    except OSError:
        return False


def _attempt(pooch: Any, url: str, target: Path, checksum: str) -> str | None:
    """What went wrong; None if the file is there."""
    # A server may send a .gz as a compressed page, which would arrive unpacked.
    downloader = pooch.HTTPDownloader(headers={"Accept-Encoding": "identity"}, timeout=_SECONDS)
    try:
        pooch.retrieve(
            url, checksum, fname=target.name, path=target.parent, downloader=downloader
        )
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        return str(error)
    return None


@contextmanager
def _no_empty_folders(folder: Path) -> Iterator[None]:
    made = [place for place in (folder, *folder.parents) if not os.path.exists(place)]
    try:
        yield
    finally:
        with suppress(OSError):  # the first that has something in it
            for place in made:
                place.rmdir()


def _pooch(target: Path) -> Any:
    try:
        import pooch.core  # which a folder that happens to be called pooch has not
    except ImportError as error:
        raise InputError(
            f"{target} is not there, and downloading it needs pooch, which is not installed; "
            "install it: pip install pooch, or name a folder that has the files "
            f"({advice('folder=', '--data')} or BPX_DATA)"
        ) from error
    return pooch
