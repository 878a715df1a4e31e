"""Takes up a new model without a restart: a thread that looks at MODEL_DIR now and then, and at once on SIGHUP.

A model is tried in a process of its own first: LightGBM ends the whole process over a file it cannot read. What is
refused there is told in one line, and the model that serves goes on serving.
"""

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import structlog

import classifier
from bot.services.deciding import Decider
from bot.settings import Settings
from classifier import ClassifierError, load
from classifier.serving.artefact import ID_CHARACTERS, MANIFEST, read_file

log = structlog.get_logger(__name__)

TRIED_WITHIN_S = 120.0
REASON_CHARACTERS = 300
LOOK_S = 0.1  # how often the process that tries is looked at
TRIED_TEXTS = ("the vpn drops every few minutes", "I forgot my password and cannot log in any more")
# A prediction refuses probabilities that are no numbers or do not add up to 1; a decision may end before it has one.
TRIAL = """
import sys
from pathlib import Path
from classifier import clean, load
model = load(Path(sys.argv[1]), Path(sys.argv[2]))
for text in sys.argv[3:]:
    model.decide(text)
    model.predict(clean(text))
"""


class ModelWatch:
    """Gives ``decider`` what stands in MODEL_DIR, when that has changed and is sound. On every replica."""

    def __init__(self, settings: Settings, decider: Decider) -> None:
        self._settings = settings
        self._decider = decider
        self._seen = fingerprint(settings.model_dir)
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-watch", daemon=True)

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def ask(self) -> None:
        """Look now, also at what was refused before. Safe to call from a signal handler."""
        self._seen = None
        self._asked.set()

    def stop(self, timeout_s: float) -> bool:
        """End; a model that is being tried is given up. False when that outlasts ``timeout_s``."""
        self._stopping.set()
        self._asked.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def look(self) -> bool:
        """Take up a changed model; whether one was. What is refused is told once, and not tried again until it changes."""
        found = fingerprint(self._settings.model_dir)
        if found is None or found == self._seen:
            return False
        self._seen = found
        fault = self._try()
        if fault is None:
            try:
                new = load(self._settings.model_dir, self._settings.encoder_dir)
            except (ClassifierError, OSError) as error:
                fault = str(error)
        if fault is not None:
            if not self._stopping.is_set():
                log.error("model_refused", detail=fault, serving=self._decider.model_id)
            return False
        old = self._decider.model_id
        self._decider.replace(new)
        log.info("model_taken_up", model=new.model_id, instead_of=old)
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._asked.wait(self._settings.firstline_model_check_s)
            self._asked.clear()
            if self._stopping.is_set():
                return
            try:
                self.look()
            except Exception as error:  # the thread's edge: the next look tries again
                log.error("model_not_looked_at", error=type(error).__name__)

    def _try(self) -> str | None:
        """What is wrong with the model, found out in a process that may die of it; None when it answers."""
        root = Path(classifier.__file__).parents[1]
        paths = [str(self._settings.model_dir), str(self._settings.encoder_dir)]
        trial = subprocess.Popen(
            [sys.executable, "-c", TRIAL, *paths, *TRIED_TEXTS],
            env={**os.environ, "PYTHONPATH": str(root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",  # a library that dies may quote the bytes it could not read
        )
        end_s = time.monotonic() + TRIED_WITHIN_S
        while True:
            try:
                _, said = trial.communicate(timeout=LOOK_S)
            except subprocess.TimeoutExpired:
                if not self._stopping.is_set() and time.monotonic() < end_s:
                    continue
                trial.kill()
                trial.communicate()
                return "it did not answer in time"
            return None if trial.returncode == 0 else _reason(trial.returncode, said)


def fingerprint(model_dir: Path) -> str | None:
    """What names the model in a folder: its manifest, which names every other file by its hash. None without one."""
    try:
        return hashlib.sha256(read_file(model_dir / MANIFEST)).hexdigest()
    except OSError:
        return None


def model_id_in(model_dir: Path) -> str | None:
    """The id of the model that lies in a folder, as `Classifier.model_id` would be; None without one."""
    found = fingerprint(model_dir)
    return found[:ID_CHARACTERS] if found else None


def _reason(code: int, said: str) -> str:
    """The one line of a refusal; a process that died over it says little."""
    if code < 0:
        return f"the process that tried it was ended by signal {-code}"
    last = said.strip().splitlines()[-1] if said.strip() else f"exit code {code}"
    return "".join(filter(str.isprintable, last.partition(": ")[2] or last))[:REASON_CHARACTERS]
