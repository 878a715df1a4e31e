"""Running an installed encoder: one text in, one row of length one out.

One text at a time, always: int8 activations are scaled over the whole batch, so a text's vector would depend on
its neighbours (measured cosine .992), and training could no longer promise what serving sees.
"""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifier.encoders.recipes import EncoderRecipe
from classifier.errors import EncoderRefused


class Encoder:
    """A text encoder on one CPU thread. Safe to share between threads."""

    def __init__(self, recipe: EncoderRecipe, graph: Path, tokenizer: Path) -> None:
        """Open the files; the caller has checked their hashes. Raises EncoderRefused if they cannot run."""
        self.recipe = recipe
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # both libraries raise bare Exception subclasses of their own
            raise EncoderRefused(
                f"encoder {recipe.name} does not open: {str(error).splitlines()[0]}"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(recipe.max_tokens)
        self._inputs = tuple(node.name for node in self._session.get_inputs())
        # The token vectors come first in every export; what it is called differs between exporters.
        self._output = self._session.get_outputs()[0].name

    def token_ids(self, text: str, *, prefixed: bool = True) -> list[int]:
        """The ids the graph is given for this text, special tokens included."""
        prefix = self.recipe.prefix if prefixed else ""
        return list(self._tokenizer.encode(prefix + text).ids)

    def embed(self, text: str) -> NDArray[np.float32]:
        """float32, shape (dimensions,), of length one."""
        pooled = self.pool(self.token_ids(text))
        return pooled / np.float32(max(float(np.linalg.norm(pooled)), 1e-12))

    def pool(self, ids: list[int]) -> NDArray[np.float32]:
        """The mean of the token vectors, not normalised: float32, shape (dimensions,)."""
        tokens = np.array([ids], dtype=np.int64)
        known = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        feed = {name: known[name] for name in self._inputs}
        hidden = self._session.run([self._output], feed)[0]
        # No padding, so the plain mean is the mean over the attention mask.
        mean: NDArray[np.float32] = np.asarray(hidden, dtype=np.float32)[0].mean(axis=0)
        return mean
