"""A model as a folder and as it serves: whole or refused, the same twice, and right about whom it turns away."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from classifier import OUT_OF_SCOPE, AbstainReason, DecisionKind, ModelRefused, load
from classifier.data.dataset import Dataset, Split
from classifier.encoders.recipes import MINILM
from classifier.encoders.store import Installed
from classifier.evaluation.evaluate import report, run
from classifier.serving.artefact import read_model
from classifier.serving.boosting import Booster
from classifier.serving.serve import Classifier
from classifier.serving.views import ViewParams
from classifier.training.boosting import BoosterParams
from classifier.training.train import TrainParams, is_current, train
from tests.classifier.conftest import STARTER_PARAMS
from tests.sizes import full_size_only


@pytest.fixture
def copied(model_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_dir, tmp_path / "model"))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink], ids=["truncated", "altered", "missing"])
@pytest.mark.parametrize(
    "name",
    ["model.txt", "views.safetensors", "examples.txt.gz", "model.json", "metrics.json", "MODEL_CARD.md"],
)
def test_a_damaged_model_is_refused(
    copied: Path, encoder_dir: Path, name: str, damage: Callable[[Path], None]
) -> None:
    """Any file of the folder cut short, altered or gone is refused by name before LightGBM sees it."""
    damage(copied / name)
    with pytest.raises(ModelRefused, match=name) as refused:
        load(copied, encoder_dir)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "manifest", ["", "{}", "[1]", '{"format": 99, "files": {}}', '{"format": 2, "files": {}}']
)
def test_a_damaged_manifest_is_refused(copied: Path, encoder_dir: Path, manifest: str) -> None:
    """A manifest that does not read, or lists too little, is refused in words."""
    (copied / "manifest.json").write_text(manifest)
    with pytest.raises(ModelRefused, match="train again"):
        load(copied, encoder_dir)


def test_a_manifest_that_cannot_be_read_is_refused(copied: Path, encoder_dir: Path) -> None:
    """A manifest that is no file is refused in one line."""
    (copied / "manifest.json").unlink()
    (copied / "manifest.json").mkdir()
    with pytest.raises(ModelRefused, match="cannot be read") as refused:
        load(copied, encoder_dir)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["manifest.json", "model.txt", "views.safetensors"])
def test_what_is_no_regular_file_is_refused(copied: Path, encoder_dir: Path, name: str) -> None:
    """Reading from a pipe would wait for ever."""
    (copied / name).unlink()
    os.mkfifo(copied / name)
    with pytest.raises(ModelRefused, match=f"{name} cannot be read: not a regular file"):
        load(copied, encoder_dir)


@pytest.mark.parametrize("stranger", ["../../etc/passwd", "/etc/passwd", "model.pkl", ""])
def test_a_manifest_that_lists_what_is_no_part_of_a_model_is_refused(
    copied: Path, encoder_dir: Path, stranger: str
) -> None:
    """Nothing outside of the folder, and no kind of file that is none of ours."""
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["files"][stranger] = "0" * 64
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelRefused, match="no part of a model"):
        load(copied, encoder_dir)


def test_no_model_is_refused_with_the_command(tmp_path: Path, encoder_dir: Path) -> None:
    """An empty folder says how to train."""
    with pytest.raises(ModelRefused, match=r"python -m classifier train"):
        load(tmp_path, encoder_dir)


def test_no_encoder_is_refused(model_dir: Path, tmp_path: Path) -> None:
    """A model whose encoder is not there is refused, naming the encoder."""
    with pytest.raises(ModelRefused, match=MINILM.name):
        load(model_dir, tmp_path)


def test_another_build_of_the_encoder_is_refused(
    model_dir: Path, packaged: Installed, tmp_path: Path
) -> None:
    """A model never runs on vectors of another build than it was trained on."""
    home = Path(shutil.copytree(packaged.folder, tmp_path / MINILM.name))
    noted = json.loads((home / "recipe.json").read_text())
    noted["files"]["model.onnx"] = "0" * 64
    (home / "recipe.json").write_text(json.dumps(noted))
    with pytest.raises(ModelRefused, match="another build"):
        load(model_dir, tmp_path)


@full_size_only
def test_training_twice_gives_the_same_model(
    starter: Dataset, packaged: Installed, cache_dir: Path, tmp_path: Path
) -> None:
    """The same data, encoder and seed give the same booster and arrays to the byte, with or without cached embeddings."""
    tenth, few_trees = (
        Dataset("tenth", starter.examples[::10]),
        TrainParams(boosting=BoosterParams(rounds=20)),
    )
    for year, cache in ((2026, cache_dir / "embeddings"), (2027, tmp_path / "fresh")):
        now = datetime(year, 1, 1, tzinfo=UTC)
        train(tenth, packaged, tmp_path / str(year), cache, few_trees, now, no_progress)
    for name in ("model.txt", "views.safetensors"):
        assert (tmp_path / "2026" / name).read_bytes() == (tmp_path / "2027" / name).read_bytes()


def no_progress(name: str, steps: int) -> Callable[[], None]:
    return lambda: None


def test_a_model_is_current_until_something_changes(
    model_dir: Path, starter: Dataset, packaged: Installed
) -> None:
    """Other data or parameters make a model stale; a damaged folder is never current."""
    assert is_current(model_dir, starter, packaged, STARTER_PARAMS)
    assert not is_current(
        model_dir, starter, packaged, replace(STARTER_PARAMS, views=ViewParams(opening_words=7))
    )
    other = Dataset(starter.name, starter.examples[:-1])
    assert not is_current(model_dir, other, packaged, STARTER_PARAMS)
    assert not is_current(model_dir / "nothing", starter, packaged, STARTER_PARAMS)


def test_another_library_makes_a_model_stale(
    model_dir: Path, starter: Dataset, packaged: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new LightGBM or onnxruntime means training again."""
    monkeypatch.setattr(
        "importlib.metadata.version", lambda name: "99" if name == "lightgbm" else version(name)
    )
    assert not is_current(model_dir, starter, packaged, STARTER_PARAMS)


def test_the_folder_says_what_it_was_made_of(model_dir: Path, starter: Dataset) -> None:
    """Data, encoder, libraries, thresholds with their reason, and figures with n and split are written down."""
    saved = read_model(model_dir)
    made = saved.model.provenance
    assert made["data"]["sha256"] == starter.fingerprint
    assert made["data"]["twins"] == starter.twins == 0
    assert made["data"]["left_out"]["unsupported_language"] > 500
    assert set(made["libraries"]) >= {"lightgbm", "onnxruntime", "numpy"}
    assert saved.model.encoder.revision == MINILM.revision
    assert "calibration rows" in saved.model.thresholds.reason
    assert (saved.metrics["split"], saved.metrics["rows"]) == ("test", len(starter.of(Split.TEST)))
    card = (model_dir / "MODEL_CARD.md").read_text()
    assert saved.model.thresholds.reason in card
    assert f"On the {saved.metrics['rows']} test rows" in card


def test_the_starter_model_is_good_enough(model_dir: Path) -> None:
    """On the test rows: right in at least 90 % of what is suggested, and most English messages get a suggestion."""
    measured = read_model(model_dir).metrics
    assert measured["right_among_shown"]["share"] >= 0.90
    assert measured["right_when_one"]["share"] >= 0.90
    assert measured["weighted_precision"] >= 0.82
    english = next(row for row in measured["languages"] if row["language"] == "en")
    assert english["suggested"]["share"] >= 0.75
    assert measured["wrong_language"]["share"] < 0.01
    assert measured["slipped_through"]["share"] < 0.05
    assert measured["out_of_scope_to_person"]["share"] >= 0.85


def test_every_outcome_is_counted_once(classifier: Classifier, starter: Dataset) -> None:
    """One, two and person add up to all rows, and so do the languages."""
    figures = report(run(classifier, starter.of(Split.TEST)[::12]), MINILM.understands)
    assert figures.one.part + figures.two.part + figures.abstained.part == figures.rows
    assert sum(row.n for row in figures.languages) == figures.rows
    assert sum(figures.abstain_reasons.values()) == figures.abstained.part


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", AbstainReason.EMPTY),
        ("🙏🙏", AbstainReason.EMPTY),
        ("?!", AbstainReason.EMPTY),
        ("****", AbstainReason.OVER_MASKED),
        ("my **** is **** and **** since ****", AbstainReason.OVER_MASKED),
        ("Hoe reset ik mijn wachtwoord?", AbstainReason.UNSUPPORTED_LANGUAGE),
        ("パスワードを忘れました", AbstainReason.UNSUPPORTED_LANGUAGE),
    ],
)
def test_some_texts_never_reach_the_model(classifier: Classifier, text: str, reason: AbstainReason) -> None:
    """Empty, over-masked and unreadable messages go to a person, with a sentence, without a prediction."""
    decision = classifier.decide(text)
    assert (decision.kind, decision.abstain_reason) == (DecisionKind.ABSTAIN, reason)
    assert decision.prediction is None
    assert decision.categories == ()
    assert decision.rule.endswith(".")


def test_a_plain_request_is_recognised(classifier: Classifier) -> None:
    """A clear request gets its category, with probabilities that sum to 1 and the model's id."""
    decision = classifier.decide("hi <@U012AB3CD>, the VPN will not connect from my hotel :cry:")
    assert decision.categories[0] == "network_vpn"
    assert decision.language == "en"
    assert decision.prediction is not None
    assert sum(decision.prediction.probabilities) == pytest.approx(1)
    assert decision.confidence == decision.prediction.ranked()[0][1]
    assert decision.model_id == classifier.model_id


def test_chatter_goes_to_a_person(classifier: Classifier) -> None:
    """A message about nothing IT does gets no suggestion."""
    decision = classifier.decide("what's for lunch in the canteen today?")
    assert decision.abstain_reason is AbstainReason.OUT_OF_SCOPE


def test_categories_leave_out_of_scope_out(classifier: Classifier) -> None:
    """The categories are the eight that can be shown."""
    assert len(classifier.categories) == 8
    assert OUT_OF_SCOPE not in classifier.categories
    assert classifier.encoder_name == MINILM.name


def test_many_threads_get_the_same_answers(classifier: Classifier, starter: Dataset) -> None:
    """Deciding from eight threads at once gives what deciding one by one gives."""
    texts = [example.text for example in starter.of(Split.TEST)[:80]]
    one_by_one = [classifier.decide(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(classifier.decide, texts)) == one_by_one


@pytest.mark.parametrize(
    "text", ["a" * 40_000, "\x00" * 50, "\ud83d", "vpn\x00down", "‮abc", "<!channel>", "word " * 9_000]
)
def test_no_text_breaks_it(classifier: Classifier, text: str) -> None:
    """Huge, broken and odd texts get a decision like any other."""
    assert classifier.decide(text).kind in DecisionKind


def test_importing_is_light() -> None:
    """Importing the package loads neither onnxruntime nor LightGBM nor a tokenizer."""
    probe = (
        "import sys, classifier; heavy = {'onnxruntime', 'lightgbm', 'tokenizers', 'py3langid', 'numpy', 'scipy'}; "
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr


def test_many_at_once_are_decided_as_one_by_one(classifier: Classifier, starter: Dataset) -> None:
    """Of messages given to the model together and singly, 995 in a thousand or more get the same first label."""
    texts = [example.words for example in starter.of(Split.TEST) if example.language == "en"]
    model = classifier.model
    columns = model.views.columns(texts, np.stack([classifier.embed(words) for words in texts]))
    together = Booster(model.booster_text).scores(columns).argmax(axis=1)
    singly = [model.labels.index(classifier.predict(words).ranked()[0][0]) for words in texts]
    assert len(texts) > 300
    assert (together == singly).mean() >= 0.995
