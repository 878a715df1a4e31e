"""Check values: does an installed encoder give the vectors that others publish for it?"""

import numpy as np

from classifier.encoders.recipes import Golden
from classifier.encoders.session import Encoder
from classifier.errors import EncoderRefused


def check_golden(encoder: Encoder) -> int:
    """Compare with every published vector of the recipe; returns how many agreed, raises EncoderRefused for one that differs."""
    for golden in encoder.recipe.golden:
        difference = _difference(encoder, golden)
        if difference > golden.tolerance:
            raise EncoderRefused(
                f"encoder {encoder.recipe.name}: the vector of {golden.text!r} is {difference:.4f} off its published "
                f"value, {golden.tolerance:g} is allowed"
            )
    return len(encoder.recipe.golden)


def _difference(encoder: Encoder, golden: Golden) -> float:
    """The largest difference in the published components."""
    vector = encoder.pool(encoder.token_ids(golden.text, prefixed=False))
    if golden.normalised:
        vector = vector / np.linalg.norm(vector)
    return float(np.abs(vector[: len(golden.head)] - np.array(golden.head)).max())
