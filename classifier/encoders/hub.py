"""Fetching an encoder's pinned files from a model hub through huggingface_hub (which reads HF_ENDPOINT).

Whatever waits for the hub runs on a thread of its own that is left behind when its time is up: neither name resolution
nor a hub that accepts and then says nothing obeys a client's time limit reliably, and the client repeats on its own.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from classifier.encoders.hashing import check_file
from classifier.encoders.recipes import EncoderRecipe
from classifier.encoders.transfer import Transfer
from classifier.errors import HubRefused, HubUnreachable

ANSWER_LIMIT_S = 5.0
"""Longest wait for each answer about the repository and its files."""

STALL_LIMIT_S = 30.0
"""Longest time without a new byte while a file is on its way, the first byte included."""

_LOOK_EVERY_S = 0.2


def download(
    recipe: EncoderRecipe,
    into: Path,
    *,
    limit_s: float,
    endpoint: str | None = None,
    stall_limit_s: float = STALL_LIMIT_S,
) -> None:
    """Put the recipe's files into the folder `into`, each checked by size and hash.

    Raises HubUnreachable, HubRefused, or EncoderRefused for a file that is not the pinned one.
    """
    ask_hub(recipe, limit_s, endpoint)
    from huggingface_hub import hf_hub_url  # noqa: PLC0415

    for file in recipe.files:
        url = hf_hub_url(recipe.repository, file.path, revision=recipe.revision, endpoint=endpoint)
        partial = into / f"{file.name}.partial"
        _watch(Transfer(file, url, partial, 2 * stall_limit_s), stall_limit_s)
        check_file(partial, file)
        partial.rename(into / file.name)


def ask_hub(recipe: EncoderRecipe, limit_s: float, endpoint: str | None = None) -> None:
    """Return if a hub knows the pinned revision and each of its files.

    Raises HubUnreachable when one answer takes longer than `limit_s`, HubRefused when it is a no.
    """
    import huggingface_hub  # noqa: F401, PLC0415  (slow to import, which is not the hub's time)

    answers: SimpleQueue[Exception | None] = SimpleQueue()

    def ask() -> None:
        try:
            for _ in _questions(recipe, limit_s, endpoint):
                answers.put(None)
        except Exception as error:  # handed to the asking thread, which tells the kinds apart
            answers.put(error)

    threading.Thread(target=ask, name="ask-hub", daemon=True).start()
    for _ in range(1 + len(recipe.files)):
        try:
            error = answers.get(timeout=limit_s)
        except Empty:
            raise HubUnreachable(f"no model hub answered within {limit_s:g} s") from None
        if error is not None:
            raise _as_ours(error, recipe) from error


def _questions(recipe: EncoderRecipe, limit_s: float, endpoint: str | None) -> Iterator[None]:
    """Ask about the repository, then about each file; yields after every answer."""
    from huggingface_hub import HfApi, hf_hub_url  # noqa: PLC0415

    # The client's own limit is there to end a thread that nobody waits for any more.
    hub = HfApi(endpoint=endpoint, token=False)
    hub.model_info(recipe.repository, revision=recipe.revision, timeout=2 * limit_s)
    yield
    for file in recipe.files:
        url = hf_hub_url(recipe.repository, file.path, revision=recipe.revision, endpoint=endpoint)
        hub.get_hf_file_metadata(url=url, timeout=2 * limit_s)
        yield


def _as_ours(error: Exception, recipe: EncoderRecipe) -> HubUnreachable | HubRefused:
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    if not isinstance(error, HfHubHTTPError):
        return HubUnreachable(f"no model hub answered ({type(error).__name__})")
    path = error.response.request.url.path
    asked = next((f"{file.path} in " for file in recipe.files if path.endswith(f"/{file.path}")), "")
    return HubRefused(
        f"the hub answered {error.response.status_code} for {asked}{recipe.repository} at {recipe.revision[:12]}"
    )


def _watch(transfer: Transfer, stall_limit_s: float) -> None:
    """Run a transfer to its end, or leave it behind after `stall_limit_s` without a new byte."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            transfer.run()
        except Exception as error:  # the client's tree is wide (HTTP, TLS, disk); each means: not from here
            failed.append(error)

    running = threading.Thread(target=run, name="fetch-from-hub", daemon=True)
    running.start()
    seen, moved_at = 0, time.monotonic()
    with _bar() as bar:
        task = bar.add_task(transfer.file.name, total=transfer.file.size_bytes)
        while running.is_alive():
            running.join(_LOOK_EVERY_S)
            received, now = transfer.received, time.monotonic()
            bar.update(task, completed=received)
            if received != seen:
                seen, moved_at = received, now
            elif running.is_alive() and now - moved_at > stall_limit_s:
                transfer.give_up()
                raise HubUnreachable(f"the hub sent nothing of {transfer.file.path} for {stall_limit_s:g} s")
    if failed:
        path, kind = transfer.file.path, type(failed[0]).__name__
        raise HubRefused(f"{path} could not be fetched ({kind})") from failed[0]


def _bar() -> Progress:
    """For a person at a terminal alone."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
