"""Files from registries: asked for where this machine's npm would ask, taken only if pinned."""

import base64
import hashlib
import http.server
import threading

import pytest

from tools.toolchain import registry
from tools.toolchain.place import Unavailable

_CONTENT = b"an archive"
_INTEGRITY = "sha512-" + base64.b64encode(hashlib.sha512(_CONTENT).digest()).decode()


@pytest.fixture
def served(monkeypatch, tmp_path):
    """A registry of npm's: its address, and the paths that it was asked for."""
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(404 if "unknown" in self.path else 200)
            self.end_headers()
            self.wfile.write(_CONTENT)

        def log_message(self, *words):
            pass

    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY", "NPM_CONFIG_USERCONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HOME", str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/npm/", asked
        server.shutdown()


def test_the_registry_of_npms_settings_is_asked(served, tmp_path, monkeypatch):
    address, asked = served
    (tmp_path / ".npmrc").write_text(f"fund=false\nregistry = {address}\n")
    registry.from_npm("@scope/font", "5.3.0", _INTEGRITY, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == _CONTENT
    assert asked == ["/npm/@scope/font/-/font-5.3.0.tgz"]
    (tmp_path / ".npmrc").write_text("registry=http://127.0.0.1:9/elsewhere\n")
    monkeypatch.setenv("npm_config_registry", address)  # goes before the file
    registry.from_npm("plain", "1.0", _INTEGRITY, tmp_path / "got")
    assert asked[1:] == ["/npm/plain/-/plain-1.0.tgz"]


@pytest.mark.parametrize(
    ("package", "integrity", "complaint"),
    [
        ("plain", _INTEGRITY.replace("A", "B"), "not the archive that was expected"),
        ("unknown", _INTEGRITY, "could not be downloaded"),
    ],
)
def test_what_is_not_the_pinned_archive_is_refused(
    served, tmp_path, monkeypatch, package, integrity, complaint
):
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", served[0])
    with pytest.raises(Unavailable, match=complaint):
        registry.from_npm(package, "1.0", integrity, tmp_path / "got")
