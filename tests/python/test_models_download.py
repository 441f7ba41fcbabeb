"""`hcbir models pull` and what is under it, against a server on this machine."""

from __future__ import annotations

import hashlib
import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcbir.cli import run
from hcbir.models import registry
from hcbir.models.download import DownloadError, download

CONTENT = bytes(range(256)) * 9000  # more than two chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Gives CONTENT at every address but /missing; `behaviour` says how."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.ranges = True
        self.stop_after: int | None = None
        self.requests: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights-{SHA256[:7]}.pth"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range")
        server.requests.append(wanted)
        if self.path == "/missing":
            self.send_error(404)
            return
        start = 0
        if server.ranges and wanted is not None:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(server.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.content)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        else:
            self.send_response(200)
        body = server.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if server.stop_after is None else body[: server.stop_after])

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_arrives(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / "new" / "weights.pth"
    assert download(server.url, path, sha256=SHA256, progress=lambda *now: seen.append(now)) == SHA256
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["weights.pth"]
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 3
    assert sorted(seen) == seen


def test_an_interrupted_download_continues(server: Server, tmp_path: Path) -> None:
    path, part = tmp_path / "weights.pth", tmp_path / "weights.pth.part"
    server.stop_after = 1_500_000
    with pytest.raises(
        DownloadError, match="interrupted after 1500000 of 2304000 bytes; 1500000 bytes are kept, run again"
    ):
        download(server.url, path, sha256=SHA256[:7])
    assert not path.exists()
    assert part.stat().st_size == 1_500_000
    server.stop_after = None
    assert download(server.url, path, sha256=SHA256[:7]) == SHA256
    assert server.requests == [None, "bytes=1500000-"]
    assert path.read_bytes() == CONTENT
    assert not part.exists()


def test_a_file_that_is_there_is_not_asked_for(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(CONTENT)
    assert download(server.url, tmp_path / "weights.pth", sha256=SHA256[:7]) == SHA256
    assert server.requests == []


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    download(server.url, tmp_path / "weights.pth", sha256=SHA256)
    assert server.requests == ["bytes=1000-"]
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


def test_a_part_that_is_all_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(CONTENT)
    download(server.url, tmp_path / "weights.pth", sha256=SHA256)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"\0" * 1000, CONTENT + b"more"], ids=["of another file", "too long"])
def test_a_part_that_does_not_belong_is_dropped(server: Server, tmp_path: Path, part: bytes) -> None:
    (tmp_path / "weights.pth.part").write_bytes(part)
    download(server.url, tmp_path / "weights.pth", sha256=SHA256)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


def test_without_a_hash_nothing_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights.mat.part").write_bytes(b"\0" * 1000)
    assert download(server.url, tmp_path / "weights.mat") == SHA256
    assert server.requests == [None]


def test_a_wrong_hash_keeps_nothing(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"what was there before")
    server.content = CONTENT[::-1]
    with pytest.raises(DownloadError, match=f"SHA-256 must begin with {SHA256[:7]}, got [0-9a-f]{{64}}"):
        download(server.url, path, sha256=SHA256[:7])
    assert path.read_bytes() == b"what was there before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.pth"]


def test_an_address_that_is_not_there(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="/missing: the server answers 404 Not Found"):
        download(server.url.rpartition("/")[0] + "/missing", tmp_path / "x", sha256=SHA256)
    assert list(tmp_path.iterdir()) == []


def test_nobody_answers(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        with pytest.raises(DownloadError, match=r"cannot be reached \(Connection refused\)"):
            download(url, tmp_path / "x")
        unused.listen()
        with pytest.raises(DownloadError, match="no answer in time"):
            download(url, tmp_path / "x", timeout=0.1)
    assert list(tmp_path.iterdir()) == []


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_names(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    with pytest.raises(DownloadError, match="Temporary failure in name resolution"):
        download("http://weights.invalid/x", tmp_path / "x")


def test_the_registry_is_well_formed() -> None:
    models = registry.published_models()
    assert len(models) >= 9
    for model in models.values():
        assert model.format in registry.FORMATS
        assert model.url.startswith(("http://", "https://"))
        assert model.licence
        assert set(model.heads) <= {"gem", "mac", "spoc", "rmac", "netvlad", "delf"}
        assert model.sha256_prefix in model.file_name
        assert model.known_hash or model.format != "cirtorch"
    assert models["retrievalSfM120k-resnet101-gem"].figures["ROxford medium"] == 65.4


@pytest.fixture
def published(server: Server, monkeypatch: pytest.MonkeyPatch) -> registry.PublishedModel:
    model = registry.PublishedModel(
        name="local",
        url=server.url,
        format="cirtorch",
        trunk="resnet50",
        heads=("gem",),
        licence="MIT",
        sha256_prefix=SHA256[:7],
    )
    monkeypatch.setattr(registry, "published_models", lambda: {"local": model})
    return model


def test_pull(
    server: Server,
    published: registry.PublishedModel,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert run(["models", "pull", "local"]) == 0
    path = tmp_path / "hcbir" / "models" / published.file_name
    captured = capsys.readouterr()
    assert captured.out == f"{path}\n"
    assert f"only {SHA256[:7]} of its hash; SHA-256 of what came: {SHA256}" in captured.err
    assert path.read_bytes() == CONTENT
    server.content = b"another file"
    assert run(["models", "pull", "local", "-o", str(tmp_path / "else")]) == 2
    assert "SHA-256 must begin with" in capsys.readouterr().err
    assert run(["models", "pull", "locl"]) == 2
    assert "did you mean local?" in capsys.readouterr().err


def test_without_torch_export_names_the_remedy(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from hcbir.cli import run; sys.exit(run(sys.argv[1:]))"
    arguments = ["export", "mine", "--weights", "net.pth", "-o", "net.onnx"]
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == 'error: this needs torch: pip install "hcbir[export]"\n'


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list"]) == 0
    shown = capsys.readouterr().out
    assert "ROxford medium 65.4" in shown
    assert all(model.url in shown for model in registry.published_models().values())
    assert run(["models", "list", "--json"]) == 0
    captured = capsys.readouterr()
    assert {model["name"] for model in json.loads(captured.out)} == set(registry.published_models())
    assert captured.err == ""
