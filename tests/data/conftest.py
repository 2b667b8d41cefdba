"""Where the suites of the data look for it: nowhere but here."""

import http.server
import socket
import threading

import pytest

from bpx.data.catalogue import FILES


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch, request):
    """No variable of the caller's counts, and nothing lands in the caller's cache."""
    if request.node.get_closest_marker("mnist") is None:
        monkeypatch.delenv("BPX_DATA", raising=False)
    monkeypatch.delenv("BPX_MIRROR", raising=False)
    monkeypatch.setenv("BPX_CACHE", str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


class Site:
    """A server on this machine: paths with their content, and what was asked of it."""

    def __init__(self):
        self.files, self.asked = {}, []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                body = site.files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def serve(self, folder, files):
        self.files |= {
            f"{folder}/{name}.gz": data for name, data in zip(FILES, files, strict=True)
        }

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture
def nobody():
    """The URL of a server that is gone."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    return f"http://127.0.0.1:{port}"
