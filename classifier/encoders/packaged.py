"""The encoder for machines that reach no hub: weights from an installed package, converted and quantised here."""

import importlib.util
import logging
import platform
import shutil
from pathlib import Path

import onnx

from classifier.encoders.bert_graph import WORD_TABLE, write_bert_graph
from classifier.encoders.hashing import check_file
from classifier.encoders.recipes import BUILT_GRAPH, EncoderRecipe, FileRole
from classifier.errors import EncoderMissing


def package_folder(recipe: EncoderRecipe) -> Path:
    """Folder of the installed weights package, found without importing it; raises EncoderMissing."""
    spec = importlib.util.find_spec(recipe.repository.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise EncoderMissing(f"the weights package {recipe.repository} is not installed")
    return Path(spec.origin).parent


def build_fp32(recipe: EncoderRecipe, out: Path) -> None:
    """Write the float32 graph of the packaged weights to `out`, after checking every hash."""
    folder = package_folder(recipe)
    for file in recipe.files:
        check_file(folder / file.path, file)
    weights = folder / recipe.file(FileRole.WEIGHTS).path
    write_bert_graph(weights, weights.with_name("config.json"), out)


def quantise(fp32: Path, out: Path) -> None:
    """Dynamic int8: MatMul weights per output channel (one scale for a whole matrix costs accuracy)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415  (slow to import)

    # The quantiser recommends its pre-processing, which only fuses what the session fuses anyway.
    logging.getLogger().addFilter(_is_not_preprocessing_hint)
    try:
        quantize_dynamic(
            fp32,
            out,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            reduce_range=saturates_int8(),
        )
    finally:
        logging.getLogger().removeFilter(_is_not_preprocessing_hint)
    _halve_word_table(out)


def _halve_word_table(graph: Path) -> None:
    """Keep the table of word vectors as float16: half of the memory that serving holds is this table, and the rounding is
    a hundredth of what int8 costs elsewhere."""
    model = onnx.load(graph)
    nodes, tables = model.graph.node, model.graph.initializer
    place = next(place for place, table in enumerate(tables) if table.name == WORD_TABLE)
    halved = onnx.numpy_helper.to_array(tables[place]).astype("float16")
    tables[place].CopyFrom(onnx.numpy_helper.from_array(halved, WORD_TABLE))
    gather = next(place for place, node in enumerate(nodes) if WORD_TABLE in node.input)
    looked_up = nodes[gather].output[0]
    nodes[gather].output[0] = f"{looked_up}_half"
    widen = onnx.helper.make_node("Cast", [f"{looked_up}_half"], [looked_up], to=onnx.TensorProto.FLOAT)
    nodes.insert(gather + 1, widen)
    onnx.save(model, graph)


def _is_not_preprocessing_hint(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()


def saturates_int8(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor's 8-bit products can overflow 16 bits: x86 without VNNI.

    There 7-bit weights are exact and 8-bit ones are not. An unreadable flag list on x86 counts as "can".
    """
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return False
    try:
        flags = cpuinfo.read_text(encoding="utf-8")
    except OSError:
        return True
    return "vnni" not in flags


def build_packaged(recipe: EncoderRecipe, into: Path) -> None:
    """Put the int8 graph and the tokenizer into the folder `into`."""
    fp32 = into / "fp32.onnx"
    build_fp32(recipe, fp32)
    quantise(fp32, into / BUILT_GRAPH)
    fp32.unlink()
    tokenizer = recipe.file(FileRole.TOKENIZER)
    shutil.copyfile(package_folder(recipe) / tokenizer.path, into / tokenizer.name)
