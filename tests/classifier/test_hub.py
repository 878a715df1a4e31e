"""Fetching an encoder from a hub, against a small one on localhost."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from classifier.encoders import store
from classifier.encoders.hub import download
from classifier.encoders.recipes import E5_SMALL, MINILM, EncoderFile, EncoderRecipe, FileRole
from classifier.encoders.store import Installed, fetch, fetch_or_fallback, installed, verify
from classifier.errors import EncoderMissing, EncoderRefused, HubRefused, HubUnreachable

GRAPH, TOKENIZER = b"a graph", b"a tokenizer"
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def recipe_for(hub: Any, graph: bytes = GRAPH) -> EncoderRecipe:
    """A recipe that pins these bytes at the small hub."""
    pins = [
        (FileRole.GRAPH, "onnx/model.onnx", graph),
        (FileRole.TOKENIZER, "onnx/tokenizer.json", TOKENIZER),
    ]
    files = tuple(
        EncoderFile(role, path, len(content), hashlib.sha256(content).hexdigest())
        for role, path, content in pins
    )
    # Its name must be a known one: what is on disk is read back by name.
    return replace(E5_SMALL, repository=hub.repository, revision=hub.revision, files=files)


def serve(hub: Any, graph: bytes = GRAPH) -> None:
    hub.files = {"onnx/model.onnx": graph, "onnx/tokenizer.json": TOKENIZER}


@pytest.fixture
def pinned(small_hub: Any, monkeypatch: pytest.MonkeyPatch) -> EncoderRecipe:
    """A recipe for the small hub's right files, known by its name while the test runs."""
    recipe = recipe_for(small_hub)
    monkeypatch.setitem(_recipes(), recipe.name, recipe)
    return recipe


def _recipes() -> dict[str, EncoderRecipe]:
    from classifier.encoders.recipes import RECIPES

    return RECIPES


def test_files_with_the_pinned_hashes_are_installed(
    small_hub: Any, pinned: EncoderRecipe, tmp_path: Path
) -> None:
    """An encoder whose files hash as pinned lies under its name, with a recipe.json saying what was installed."""
    serve(small_hub)
    found = fetch(pinned, tmp_path, endpoint=small_hub.url)
    assert found.graph.read_bytes() == GRAPH
    assert found.tokenizer.read_bytes() == TOKENIZER
    noted = json.loads((found.folder / "recipe.json").read_text())
    assert noted["revision"] == small_hub.revision
    assert noted["files"]["model.onnx"] == hashlib.sha256(GRAPH).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == [pinned.name]


def test_an_installed_encoder_is_not_fetched_again(
    small_hub: Any, pinned: EncoderRecipe, tmp_path: Path
) -> None:
    """Once installed, fetching asks the hub nothing."""
    serve(small_hub)
    fetch(pinned, tmp_path, endpoint=small_hub.url)
    small_hub.asked.clear()
    fetch(pinned, tmp_path, endpoint=small_hub.url)
    assert small_hub.asked == []


@pytest.mark.parametrize(
    ("served", "complaint"), [(b"A graph", "hashes to"), (b"a longer graph", "14 bytes, 7 are pinned")]
)
def test_a_file_that_is_not_the_pinned_one_is_refused(
    small_hub: Any, pinned: EncoderRecipe, tmp_path: Path, served: bytes, complaint: str
) -> None:
    """A file of another hash or size is refused in one line, and nothing of it stays behind."""
    serve(small_hub, served)
    with pytest.raises(EncoderRefused, match=complaint) as refused:
        fetch(pinned, tmp_path, endpoint=small_hub.url)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_is_not_fallen_back_from(small_hub: Any, pinned: EncoderRecipe, tmp_path: Path) -> None:
    """A hub that serves something else is an alarm, not a reason to go on with the packaged encoder."""
    serve(small_hub, b"A graph")
    with pytest.raises(EncoderRefused):
        fetch_or_fallback(pinned, tmp_path, NOW, endpoint=small_hub.url)


def test_a_hub_that_never_answers_is_given_up_in_time(
    small_hub: Any, pinned: EncoderRecipe, tmp_path: Path
) -> None:
    """A hub that accepts and says nothing costs the limit and hardly more."""
    small_hub.hangs = True
    started = time.monotonic()
    with pytest.raises(HubUnreachable, match=r"no model hub answered"):
        fetch(pinned, tmp_path, limit_s=0.5, endpoint=small_hub.url)
    assert time.monotonic() - started < 3


def test_a_hub_that_is_silent_about_files_is_given_up_in_time(
    small_hub: Any, pinned: EncoderRecipe, tmp_path: Path
) -> None:
    """A hub that knows the repository and then says nothing about a file costs the limit and hardly more."""
    serve(small_hub)
    small_hub.hangs_on_files = True
    started = time.monotonic()
    with pytest.raises(HubUnreachable, match=r"no model hub answered within 0\.5 s"):
        fetch(pinned, tmp_path, limit_s=0.5, endpoint=small_hub.url)
    assert time.monotonic() - started < 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sent", [0, 3])
def test_a_transfer_that_stalls_is_given_up_in_time(
    small_hub: Any, pinned: EncoderRecipe, tmp_path: Path, sent: int
) -> None:
    """A body whose first byte never comes, or that stops in the middle, is given up after the stall limit."""
    serve(small_hub)
    small_hub.stalls_after = sent
    started = time.monotonic()
    with pytest.raises(HubUnreachable, match=r"sent nothing of onnx/model\.onnx"):
        download(pinned, tmp_path, limit_s=5, endpoint=small_hub.url, stall_limit_s=0.5)
    assert time.monotonic() - started < 4
    assert not (tmp_path / "model.onnx").exists()


def test_a_transfer_that_breaks_is_continued(small_hub: Any, pinned: EncoderRecipe, tmp_path: Path) -> None:
    """A line that breaks in the middle of a file is taken up where it broke."""
    serve(small_hub)
    small_hub.breaks_after = 3
    assert fetch(pinned, tmp_path, endpoint=small_hub.url).graph.read_bytes() == GRAPH


def test_nobody_listening_counts_as_no_hub(pinned: EncoderRecipe, tmp_path: Path) -> None:
    """A refused connection is reported as an unreachable hub."""
    with pytest.raises(HubUnreachable):
        fetch(pinned, tmp_path, limit_s=2, endpoint="http://127.0.0.1:9")


def test_a_hub_without_the_repository_says_so(small_hub: Any, pinned: EncoderRecipe, tmp_path: Path) -> None:
    """A 404 names the repository and the status."""
    small_hub.is_empty = True
    with pytest.raises(HubRefused, match=r"404 for some/encoder"):
        fetch(pinned, tmp_path, endpoint=small_hub.url)


def test_a_hub_without_one_file_is_refused(small_hub: Any, pinned: EncoderRecipe, tmp_path: Path) -> None:
    """A repository that lacks a pinned file is refused by the file's name."""
    serve(small_hub)
    del small_hub.files["onnx/tokenizer.json"]
    with pytest.raises(HubRefused, match=r"onnx/tokenizer\.json"):
        fetch(pinned, tmp_path, endpoint=small_hub.url)


def test_a_hub_file_changed_on_disk_is_noticed(small_hub: Any, pinned: EncoderRecipe, tmp_path: Path) -> None:
    """Verifying refuses a file that differs from what the recipe pins, even if recipe.json was changed with it."""
    serve(small_hub)
    found = fetch(pinned, tmp_path, endpoint=small_hub.url)
    found.graph.write_bytes(b"A graph")
    noted = json.loads((found.folder / "recipe.json").read_text())
    noted["files"]["model.onnx"] = hashlib.sha256(b"A graph").hexdigest()
    (found.folder / "recipe.json").write_text(json.dumps(noted))
    with pytest.raises(EncoderRefused, match="altered"):
        verify(installed(pinned.name, tmp_path))


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_recipe_file_that_leaves_a_pinned_one_out_is_refused(
    small_hub: Any, pinned: EncoderRecipe, tmp_path: Path, name: str
) -> None:
    """Every file the recipe pins must be there and noted, whatever recipe.json leaves out."""
    serve(small_hub)
    found = fetch(pinned, tmp_path, endpoint=small_hub.url)
    noted = json.loads((found.folder / "recipe.json").read_text())
    del noted["files"][name]
    (found.folder / "recipe.json").write_text(json.dumps(noted))
    with pytest.raises(EncoderRefused, match=f"does not list {name}"):
        verify(installed(pinned.name, tmp_path))


def test_a_pinned_file_beside_graph_and_tokenizer_is_needed(
    small_hub: Any, pinned: EncoderRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that lie beside the graph are pinned like it: an encoder without them is refused."""
    serve(small_hub)
    fetch(pinned, tmp_path, endpoint=small_hub.url)
    weights = EncoderFile(FileRole.WEIGHTS, "onnx/model.onnx_data", 3, hashlib.sha256(b"abc").hexdigest())
    monkeypatch.setitem(_recipes(), pinned.name, replace(pinned, files=(*pinned.files, weights)))
    with pytest.raises(EncoderRefused, match=r"does not list model\.onnx_data"):
        verify(installed(pinned.name, tmp_path))


def test_the_packaged_tokenizer_is_the_pinned_one(own_encoders: Path) -> None:
    """Verifying the packaged encoder refuses another tokenizer, even if recipe.json was changed with it."""
    found = installed(MINILM.name, own_encoders)
    found.tokenizer.write_bytes(TOKENIZER)
    noted = json.loads((found.folder / "recipe.json").read_text())
    noted["files"]["tokenizer.json"] = hashlib.sha256(TOKENIZER).hexdigest()
    (found.folder / "recipe.json").write_text(json.dumps(noted))
    with pytest.raises(EncoderRefused, match=r"tokenizer\.json was altered"):
        verify(installed(MINILM.name, own_encoders))


@pytest.mark.parametrize("change", [{"prefix": "passage: "}, {"max_tokens": 64}, {"dimensions": 128}])
def test_what_changes_the_vectors_changes_the_fingerprint(
    packaged: Installed, change: dict[str, Any]
) -> None:
    """Another prefix, length or width is another encoder to models and to cached vectors."""
    assert replace(packaged, recipe=replace(packaged.recipe, **change)).fingerprint != packaged.fingerprint


def test_other_preparation_code_changes_the_fingerprint(
    packaged: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that prepares text or runs the encoder is part of the fingerprint, byte for byte."""
    before = packaged.fingerprint
    for place, path in enumerate(store._PREPARATION):
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes() + b"\n")
        changed = tuple(copy if n == place else other for n, other in enumerate(store._PREPARATION))
        with monkeypatch.context() as patch:
            patch.setattr(store, "_PREPARATION", changed)
            assert packaged.fingerprint != before
    assert packaged.fingerprint == before


@pytest.fixture
def own_encoders(encoder_dir: Path, tmp_path: Path) -> Path:
    """A folder of this test's own that already holds the packaged encoder."""
    shutil.copytree(encoder_dir / MINILM.name, tmp_path / "encoders" / MINILM.name)
    return tmp_path / "encoders"


def test_without_a_hub_the_packaged_encoder_is_used_and_it_is_said(
    small_hub: Any, pinned: EncoderRecipe, own_encoders: Path
) -> None:
    """Falling back gives the packaged encoder and one line that says what it cannot do."""
    small_hub.is_empty = True
    found, line = fetch_or_fallback(pinned, own_encoders, NOW, endpoint=small_hub.url)
    assert found.recipe is MINILM
    assert line is not None
    assert "English only" in line
    assert "\n" not in line


def test_a_silent_hub_is_not_asked_at_every_start(
    small_hub: Any, pinned: EncoderRecipe, own_encoders: Path
) -> None:
    """After a fallback the hub is left alone for twelve hours, then asked again and used if it answers."""
    small_hub.is_empty = True
    fetch_or_fallback(pinned, own_encoders, NOW, endpoint=small_hub.url)
    small_hub.asked.clear()
    _, line = fetch_or_fallback(pinned, own_encoders, NOW + timedelta(hours=11), endpoint=small_hub.url)
    assert small_hub.asked == []
    assert line is not None
    small_hub.is_empty = False
    serve(small_hub)
    found, line = fetch_or_fallback(pinned, own_encoders, NOW + timedelta(hours=13), endpoint=small_hub.url)
    assert (found.recipe, line) == (pinned, None)


def run_fetch(hub: Any, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "classifier", "fetch", "--dir", str(folder), *options]
    environment = os.environ | {"HF_ENDPOINT": hub.url}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


def test_the_command_asks_the_hub_of_the_environment(small_hub: Any, own_encoders: Path) -> None:
    """`fetch --or-packaged` asks HF_ENDPOINT, then falls back with one line beside its JSON."""
    small_hub.is_empty = True
    done = run_fetch(small_hub, own_encoders, "--or-packaged", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["encoder"] == MINILM.name
    assert len(done.stderr.strip().splitlines()) == 1
    assert any(E5_SMALL.repository in request for request in small_hub.asked)


def test_the_command_refuses_a_wrong_file(small_hub: Any, tmp_path: Path) -> None:
    """`fetch` ends with 2 and one line when the hub serves something else than the pinned file."""
    small_hub.repository, small_hub.revision = E5_SMALL.repository, E5_SMALL.revision
    small_hub.files = {file.path: b"something else" for file in E5_SMALL.files}
    done = run_fetch(small_hub, tmp_path, "--or-packaged")
    assert done.returncode == 2
    assert "118,346,824 are pinned" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_an_encoder_never_fetched_is_named_with_the_command(tmp_path: Path) -> None:
    """Asking for an encoder that is not there says how to get it."""
    with pytest.raises(EncoderMissing, match=r"python -m classifier fetch --encoder all-MiniLM-L6-v2"):
        installed(MINILM.name, tmp_path)
