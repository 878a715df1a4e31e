"""Fetching an encoder's pinned files from a model hub through huggingface_hub (which reads HF_ENDPOINT)."""

import threading
from pathlib import Path

from classifier.encoders.hashing import check_file
from classifier.encoders.recipes import EncoderRecipe
from classifier.errors import HubRefused, HubUnreachable

ANSWER_LIMIT_S = 5.0


def ask_hub(recipe: EncoderRecipe, limit_s: float, endpoint: str | None = None) -> None:
    """Return if a hub knows the pinned revision; raise HubUnreachable (no answer in time) or HubRefused.

    The question is asked on a thread of its own, because neither name resolution nor a hub that accepts and
    then says nothing obeys a client's time limit reliably.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415  (slow to import, and reads the environment)
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    outcome: list[Exception | None] = []

    def ask() -> None:
        try:
            HfApi(endpoint=endpoint, token=False).model_info(
                recipe.repository, revision=recipe.revision, timeout=limit_s
            )
            outcome.append(None)
        except Exception as error:  # handed to the asking thread, which tells the kinds apart
            outcome.append(error)

    asking = threading.Thread(target=ask, name="ask-hub", daemon=True)
    asking.start()
    asking.join(limit_s)
    if not outcome:
        raise HubUnreachable(f"no model hub answered within {limit_s:g} s")
    error = outcome[0]
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        raise HubRefused(
            f"the hub answered {status} for {recipe.repository} at {recipe.revision[:12]}"
        ) from error
    if error is not None:
        raise HubUnreachable(f"no model hub answered ({type(error).__name__})") from error


def download(recipe: EncoderRecipe, into: Path, *, limit_s: float, endpoint: str | None = None) -> None:
    """Put the recipe's files into the folder `into`, each checked by size and hash.

    Raises HubUnreachable, HubRefused, or EncoderRefused for a file that is not the pinned one.
    `limit_s` bounds the wait for each answer, not the transfer.
    """
    ask_hub(recipe, limit_s, endpoint)
    from huggingface_hub import hf_hub_download  # noqa: PLC0415

    for file in recipe.files:
        try:
            fetched = hf_hub_download(
                recipe.repository,
                file.path,
                revision=recipe.revision,
                local_dir=into / "download",
                etag_timeout=limit_s,
                endpoint=endpoint,
                token=False,
            )
        except Exception as error:  # the client's tree is wide (HTTP, XET, disk); each means: not from here
            raise HubRefused(f"{file.path} could not be fetched ({type(error).__name__})") from error
        check_file(Path(fetched), file)
        Path(fetched).rename(into / file.name)
