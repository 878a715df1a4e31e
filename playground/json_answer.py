"""JSON over HTTP that never fails to encode: whatever an app or a person sent can be said back."""

import json
from typing import Any

from starlette.responses import JSONResponse


class JsonAnswer(JSONResponse):
    """ASCII only, so that a lone surrogate in somebody's text is an escape and no encoding error."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode("ascii")
