"""Downloads: kept if their checksum is right, and else nothing is left of them."""

import socket
import sys
import threading
import types

import pytest

from bpx.data import load
from bpx.data.catalogue import FILES
from bpx.errors import InputError
from tests.data.tiny import assert_tiny, fill, left_in, packed, source


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_download_is_kept_and_not_asked_for_again(tmp_path, site, algorithm):
    site.serve("/there", packed())
    table = {"tiny": source([f"{site.url}/there/"], algorithm=algorithm)}
    assert_tiny(load("tiny", table=table))
    assert site.asked == [f"/there/{name}.gz" for name in FILES]
    assert left_in(tmp_path / "cache") == sorted(["tiny", *(f"{name}.gz" for name in FILES)])
    assert_tiny(load("tiny", table=table))
    assert len(site.asked) == 4


def test_the_cache_serves_without_a_network(tmp_path, nobody):
    fill(tmp_path / "cache" / "tiny", packed(), ".gz")
    assert_tiny(load("tiny", table={"tiny": source([nobody])}))


def test_a_damaged_file_in_the_cache_is_downloaded_again(tmp_path, site):
    site.serve("", packed())
    place = fill(tmp_path / "cache" / "tiny", packed(), ".gz")
    (place / f"{FILES[1]}.gz").write_bytes(b"damaged")
    assert_tiny(load("tiny", table={"tiny": source([site.url])}))
    assert site.asked == [f"/{FILES[1]}.gz"]


def test_the_next_mirror_is_tried(tmp_path, site, nobody):
    site.serve("/right", packed())
    site.serve("/wrong", packed(first_label=1))
    mirrors = [nobody, f"{site.url}/none", f"{site.url}/wrong", f"{site.url}/right"]
    assert_tiny(load("tiny", table={"tiny": source(mirrors)}))


@pytest.mark.parametrize("made_before", [False, True])
def test_a_wrong_checksum_leaves_nothing_behind(tmp_path, site, made_before):
    cache = tmp_path / "cache"
    if made_before:
        cache.mkdir()
    site.serve("", packed(first_label=1))
    site.files[f"/{FILES[0]}.gz"] = b"something else"
    with pytest.raises(InputError, match=r"(?s)could not be downloaded.*hash"):
        load("tiny", table={"tiny": source([site.url])})
    assert left_in(cache) == ([] if made_before else None)


def test_a_404_leaves_nothing_behind(tmp_path, site):
    with pytest.raises(InputError, match=r"(?s)could not be downloaded.*404"):
        load("tiny", table={"tiny": source([site.url])})
    assert site.asked == [f"/{FILES[0]}.gz"]
    assert left_in(tmp_path / "cache") is None


def test_a_server_that_is_gone_leaves_nothing_behind(tmp_path, nobody):
    with pytest.raises(InputError) as caught:
        load("tiny", table={"tiny": source([nobody])})
    message = str(caught.value)
    assert f"{nobody}/{FILES[0]}.gz: " in message
    assert all(word in message for word in ("folder=", "BPX_DATA", "BPX_MIRROR", "BPX_CACHE"))
    assert left_in(tmp_path / "cache") is None


def test_a_download_that_breaks_off_leaves_nothing_behind(tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * 5000
            )

    thread = threading.Thread(target=answer)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with pytest.raises(InputError, match="could not be downloaded"):
            load("tiny", table={"tiny": source([url])})
    finally:
        thread.join()
        listener.close()
    assert left_in(tmp_path / "cache") is None


def test_what_was_downloaded_whole_before_a_failure_is_kept_and_used(tmp_path, site):
    site.serve("", packed())
    last = f"/{FILES[3]}.gz"
    body = site.files.pop(last)
    table = {"tiny": source([site.url])}
    with pytest.raises(InputError, match="404"):
        load("tiny", table=table)
    assert left_in(tmp_path / "cache") == sorted(
        ["tiny", *(f"{name}.gz" for name in FILES[:3])]
    )
    site.files[last] = body
    assert_tiny(load("tiny", table=table))
    assert site.asked.count(f"/{FILES[0]}.gz") == 1


def test_a_cache_that_cannot_be_a_folder(tmp_path, site):
    (tmp_path / "cache").write_text("a file")
    site.serve("", packed())
    with pytest.raises(InputError, match="BPX_CACHE"):
        load("tiny", table={"tiny": source([site.url])})
    assert (tmp_path / "cache").read_text() == "a file"


def test_a_mirror_that_is_no_url():
    with pytest.raises(InputError, match="could not be downloaded"):
        load("tiny", mirror="no such thing", table={"tiny": source()})


@pytest.mark.parametrize("there", ["nothing", "a folder"])
def test_without_pooch_the_command_that_installs_it(monkeypatch, tmp_path, there):
    folder = types.ModuleType("pooch")
    folder.__path__ = [str(tmp_path)]  # as Python makes it
    monkeypatch.setitem(sys.modules, "pooch", folder if there == "a folder" else None)
    monkeypatch.delitem(sys.modules, "pooch.core", raising=False)
    with pytest.raises(InputError, match=r"pip install pooch"):
        load("tiny", table={"tiny": source(["http://127.0.0.1:9"])})
