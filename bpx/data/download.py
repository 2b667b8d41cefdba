"""Download files, and keep them only if their checksum is right."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bpx.errors import InputError, advice

__all__ = ["fetch"]

_SECONDS = 30


def fetch(target: Path, checksum: str, urls: Sequence[str]) -> Path:
    """Return a file in the cache, downloaded if it is missing or damaged.

    Parameters
    ----------
    target : Path
        The file's path in the cache.
    checksum : str
        ``algorithm:hexdigest`` of the downloaded file.
    urls : sequence of str
        The http or https URLs to try, in this order.

    Returns
    -------
    Path
        `target`, whose content has this checksum.

    Raises
    ------
    InputError
        If no URL delivered the file; the message says why for each. Partial downloads and
        the folders made for them are removed.
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
        f"it would be saved in {target.parent}. Name a folder that has the files "
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
    """Try one URL; return the reason for a failure, or None."""
    # A server may send a .gz as a compressed page, which requests would unpack.
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
        with suppress(OSError):  # stop at the first that is not empty
            for place in made:
                place.rmdir()


def _pooch(target: Path) -> Any:
    try:
        import pooch.core  # not `import pooch`, which a folder named pooch would satisfy
    except ImportError as error:
        raise InputError(
            f"{target} does not exist, and downloading it needs pooch, which is not installed; "
            "install it: pip install pooch, or name a folder that has the files "
            f"({advice('folder=', '--data')} or BPX_DATA)"
        ) from error
    return pooch
