"""Shared by the classifier's tests: one built encoder, one trained starter model, and a small hub on localhost.

FIRSTLINE_TEST_CACHE names a folder that keeps the built encoder and embeddings between runs.
"""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from filelock import FileLock

from classifier.__main__ import main
from classifier.data.dataset import STARTER, Dataset, read_dataset
from classifier.encoders.packaged import build_fp32
from classifier.encoders.recipes import MINILM
from classifier.encoders.session import Encoder
from classifier.encoders.store import Installed, fetch, open_encoder
from classifier.serving.serve import Classifier, load
from classifier.training.train import TrainParams, is_current, train

STARTER_PARAMS = TrainParams(refill=False)
"""As the command trains a file that brings its own split."""


def no_progress(name: str, steps: int) -> Callable[[], None]:
    return lambda: None


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("FIRSTLINE_TEST_CACHE")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("classifier-cache")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def encoder_dir(cache_dir: Path) -> Path:
    """The folder that holds encoders, with the packaged one built."""
    fetch(MINILM, cache_dir / "encoders")
    return cache_dir / "encoders"


@pytest.fixture(scope="session")
def packaged(encoder_dir: Path) -> Installed:
    return fetch(MINILM, encoder_dir)


@pytest.fixture(scope="session")
def encoder(packaged: Installed) -> Encoder:
    return open_encoder(packaged)


@pytest.fixture(scope="session")
def fp32_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph = tmp_path_factory.mktemp("fp32") / "model.onnx"
    build_fp32(MINILM, graph)
    return graph


@pytest.fixture(scope="session")
def fp32_encoder(fp32_graph: Path, packaged: Installed) -> Encoder:
    return Encoder(MINILM, fp32_graph, packaged.tokenizer)


@pytest.fixture(scope="session")
def starter() -> Dataset:
    return read_dataset(STARTER)


@pytest.fixture(scope="session")
def model_dir(
    starter: Dataset, packaged: Installed, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The starter model, trained by this very code: once, for all processes that test and until the code changes."""
    kept = cache_dir / "starter-model"
    with FileLock(cache_dir / "starter-model.lock"):
        if not is_current(kept, starter, packaged, STARTER_PARAMS):
            now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
            train(starter, packaged, kept, cache_dir / "embeddings", STARTER_PARAMS, now, no_progress)
        return shutil.copytree(kept, tmp_path_factory.mktemp("model") / "starter")


@pytest.fixture(scope="session")
def classifier(model_dir: Path, encoder_dir: Path) -> Classifier:
    return load(model_dir, encoder_dir)


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `python -m classifier` with these arguments, in this process: starting Python costs a second each time."""

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return run


@dataclass
class SmallHub:
    """A model hub with the three routes that huggingface_hub uses; it remembers what it was asked.

    `files` maps a path in the one repository to its bytes. With `hangs` it accepts and never answers; with
    `hangs_on_files` it does so for every question about a file; with `stalls_after` it goes silent after that many
    bytes of a body, and with `breaks_after` it hangs up there, once.
    """

    repository: str = "some/encoder"
    revision: str = "a" * 40
    files: dict[str, bytes] = field(default_factory=dict)
    hangs: bool = False
    hangs_on_files: bool = False
    stalls_after: int | None = None
    breaks_after: int | None = None
    is_empty: bool = False
    asked: list[str] = field(default_factory=list)
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        path = unquote(path.partition("?")[0])
        self.asked.append(f"{method} {path}")
        if self.hangs or (self.hangs_on_files and "/resolve/" in path):
            self.released.wait(30)
        if self.is_empty:
            return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        if path == f"/api/models/{self.repository}/revision/{self.revision}":
            about = {"id": self.repository, "modelId": self.repository, "sha": self.revision, "siblings": []}
            return 200, {"Content-Type": "application/json"}, json.dumps(about).encode()
        start = f"/{self.repository}/resolve/{self.revision}/"
        content = self.files.get(path.removeprefix(start)) if path.startswith(start) else None
        if content is None:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": self.revision}, b""
        etag = hashlib.sha256(content).hexdigest()
        return 200, {"ETag": f'"{etag}"', "X-Repo-Commit": self.revision}, content


@pytest.fixture
def small_hub() -> Iterator[SmallHub]:
    hub = SmallHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self, with_body: bool) -> None:
            status, headers, content = hub.answer(self.command, self.path)
            start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            status, content = (206, content[start:]) if start else (status, content)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body and "/resolve/" in self.path and self._cut(content):
                return
            if with_body:
                self.wfile.write(content)

        def _cut(self, content: bytes) -> bool:
            """Whether this body ended early."""
            if hub.stalls_after is not None:
                self.wfile.write(content[: hub.stalls_after])
                hub.released.wait(30)
                return True
            if hub.breaks_after is not None:
                self.wfile.write(content[: hub.breaks_after])
                hub.breaks_after, self.close_connection = None, True
                return True
            return False

        def do_HEAD(self) -> None:
            self._reply(with_body=False)

        def do_GET(self) -> None:
            self._reply(with_body=True)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that gave up closes its socket

    with Server(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield hub
        hub.released.set()
        server.shutdown()
        thread.join(5)
