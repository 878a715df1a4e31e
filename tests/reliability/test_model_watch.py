"""A new model is taken up while people write; a bad one is refused, and the old one goes on serving."""

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from structlog.testing import capture_logs

from bot.edge.health import model_check
from bot.jobs.model_watch import ModelWatch, model_id_in
from bot.services.deciding import Decider, NoDecision
from bot.settings import Settings
from bot.storage.tables import SupportRequest
from classifier import Classifier, load
from classifier.serving.artefact import ARRAYS, BOOSTER, CARD, MANIFEST, read_model, write_model
from tests.sizes import at_full_size

Spoil = Callable[[Path], None]
SWAPS = 20 if at_full_size() else 1
DECIDE_EVERY_S, WRITE_EVERY_S = (0.02, 0.05) if at_full_size() else (0.1, 0.2)


@pytest.fixture
def place(model_dir: Path, tmp_path: Path) -> Path:
    """A copy of the trained model, to be replaced."""
    return Path(shutil.copytree(model_dir, tmp_path / "model"))


@pytest.fixture(scope="module")
def loaded(model_dir: Path, encoder_dir: Path) -> Classifier:
    """The trained model, read once; a copy of its folder is the same model."""
    return load(model_dir, encoder_dir)


@pytest.fixture
def watched(place: Path, loaded: Classifier, encoder_dir: Path) -> tuple[ModelWatch, Decider]:
    """A watch on that folder, and the decider it serves."""
    decider = Decider(loaded)
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        slack_bot_token="xoxb-test",
        slack_signing_secret="a test's signing secret",
        model_dir=place,
        encoder_dir=encoder_dir,
    )
    return ModelWatch(settings, decider), decider


def replace_model(place: Path, card: str) -> str:
    """Put a sound model of another name there, as training does; return its id."""
    saved = read_model(place)
    return write_model(saved.model, saved.metrics, card, place)


def rehash(place: Path, name: str, content: bytes) -> None:
    """Damage a file and say so in the manifest: every hash is right, the model is not."""
    (place / name).write_bytes(content)
    manifest = json.loads((place / MANIFEST).read_bytes())
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    (place / MANIFEST).write_text(json.dumps(manifest))


def test_a_new_model_is_taken_up_once(watched: tuple[ModelWatch, Decider], place: Path) -> None:
    """What has not changed is left alone; what has, serves from then on."""
    watch, decider = watched
    assert not watch.look()
    new = replace_model(place, "another card")
    with capture_logs() as logs:
        assert watch.look()
        assert not watch.look()
    assert decider.model_id == new
    assert [entry["event"] for entry in logs] == ["model_taken_up"]


def _truncated(place: Path) -> None:
    rehash(place, BOOSTER, (place / BOOSTER).read_bytes()[:5_000])


def _another_hash(place: Path) -> None:
    (place / MANIFEST).write_text((place / MANIFEST).read_text() + "\n")
    (place / CARD).write_text("changed by hand")


def _no_arrays(place: Path) -> None:
    rehash(place, ARRAYS, b"\x00" * 100)


def _not_json(place: Path) -> None:
    (place / MANIFEST).write_text("{")


def _arrays_of_nan(place: Path) -> None:
    arrays = load_arrays((place / ARRAYS).read_bytes())
    last = max(name for name, array in arrays.items() if array.dtype.kind == "f")
    arrays[last] = np.full_like(arrays[last], np.nan)
    rehash(place, ARRAYS, save_arrays(arrays))


def _leaves_of_nan(place: Path) -> None:
    lines = (place / BOOSTER).read_text().splitlines(keepends=True)
    kept = (line for line in lines if not line.startswith("tree_sizes="))  # they would no longer fit
    spoiled = (
        re.sub(r"[^ =\n]+(?= |$)", "nan", line) if line.startswith("leaf_value=") else line for line in kept
    )
    rehash(place, BOOSTER, "".join(spoiled).encode())


def _listing(place: Path, stranger: str) -> None:
    manifest = json.loads((place / MANIFEST).read_bytes())
    manifest["files"][stranger] = hashlib.sha256(b"x").hexdigest()
    (place / MANIFEST).write_text(json.dumps(manifest))


def _a_file_outside(place: Path) -> None:
    _listing(place, "../../etc/passwd")


def _a_file_of_another_kind(place: Path) -> None:
    _listing(place, "model.pkl")


@pytest.mark.parametrize(
    "spoil",
    [
        *(_truncated, _another_hash, _no_arrays, _not_json),
        *(_arrays_of_nan, _leaves_of_nan, _a_file_outside, _a_file_of_another_kind),
    ],
)
def test_a_bad_model_is_refused_in_one_line(
    watched: tuple[ModelWatch, Decider], place: Path, spoil: Spoil
) -> None:
    """Also one over which its process dies; the old one serves, and the line is said once until something changes."""
    watch, decider = watched
    old = decider.model_id
    spoil(place)
    with capture_logs() as logs:
        assert not watch.look()
        assert not watch.look()
    (line,) = logs
    assert (line["event"], line["serving"]) == ("model_refused", old)
    assert line["detail"]
    assert "\n" not in line["detail"]
    assert decider.model_id == old
    assert not isinstance(decider.decide("the vpn drops every few minutes"), NoDecision)


def test_a_folder_that_is_gone_changes_nothing(watched: tuple[ModelWatch, Decider], place: Path) -> None:
    """Between the two renames of a training there is no model for a moment."""
    watch, decider = watched
    shutil.rmtree(place)
    assert not watch.look()
    assert decider.model_id is not None


def test_a_pipe_in_place_of_the_manifest_holds_up_nobody(
    watched: tuple[ModelWatch, Decider], place: Path
) -> None:
    """Reading it would never end: there counts as no model, and whoever asks whether the bot is ready is answered."""
    watch, decider = watched
    (place / MANIFEST).unlink()
    os.mkfifo(place / MANIFEST)
    assert not watch.look()
    told = model_check(decider, place, model_id_in)()
    assert told is not None
    assert told.is_degraded


def test_models_change_under_load_without_an_error(
    sqlite_desk: Any, open_door: Any, place: Path, loaded: Classifier, encoder_dir: Path
) -> None:
    """People write while models come and go, a bad one among them: every message is decided by a model."""
    decider = Decider(loaded)
    sqlite_desk.decider = decider
    door = open_door(sqlite_desk, model_dir=place, encoder_dir=encoder_dir, firstline_model_check_s=3600)
    ids, done = {decider.model_id}, threading.Event()
    failed: list[object] = []

    def decide() -> None:
        while not done.is_set():
            decision = decider.decide("I forgot my password and the vpn drops")
            if isinstance(decision, NoDecision):
                failed.append(decision)
            done.wait(DECIDE_EVERY_S)

    def write() -> None:
        while not done.is_set():
            status, _ = door.message("U0RILEY", "my vpn drops every few minutes")
            if status != 200:
                failed.append(status)
            done.wait(WRITE_EVERY_S)

    threads = [threading.Thread(target=work) for work in (decide, decide, write)]
    for thread in threads:
        thread.start()
    try:
        for number in range(SWAPS):
            new = replace_model(place, f"card {number}")
            door.bot.model_watch.ask()
            sqlite_desk.slack.eventually(lambda new=new: decider.model_id == new, 60, what="the new model")
            ids.add(new)
        _truncated(place)
        with capture_logs() as logs:
            door.bot.model_watch.ask()
            sqlite_desk.slack.eventually(lambda: [e for e in logs if e["event"] == "model_refused"], 60)
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    door.settle()
    requests = sqlite_desk.rows(SupportRequest)
    assert failed == []
    assert len(ids) == SWAPS + 1
    assert {request.model_id for request in requests} <= ids
    assert not [request for request in requests if request.no_suggestion == "no_decision"]
    assert len({request.model_id for request in requests}) > 1
