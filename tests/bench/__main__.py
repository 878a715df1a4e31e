"""`python -m tests.bench`: see the package."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.manifest import read_manifest
from playground.testing import PlaygroundServer
from tests.bench import __doc__ as about
from tests.bench import load, routing, soak, sustained, way
from tests.bench.figures import Target, tell
from tests.serving import ROOT

RATES = [20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0]
Measured = tuple[dict[str, Any], list[Target]]
Measure = Callable[[PlaygroundServer, Path, argparse.Namespace], Measured]


def _way(slack: PlaygroundServer, folder: Path, options: argparse.Namespace) -> Measured:
    return way.measure(slack, folder, options.seconds), []


def _load(slack: PlaygroundServer, folder: Path, options: argparse.Namespace) -> Measured:
    return load.measure(slack, folder, load.Load(options.seconds))


def _sustained(slack: PlaygroundServer, folder: Path, options: argparse.Namespace) -> Measured:
    return sustained.measure(slack, folder, options.rates, options.seconds)


def _soak(slack: PlaygroundServer, folder: Path, options: argparse.Namespace) -> Measured:
    return soak.measure(slack, folder, soak.Soak(options.events, rate=options.rate, limit_s=options.limit))


def _routing(slack: PlaygroundServer, folder: Path, options: argparse.Namespace) -> Measured:
    return routing.measure(options.seeds)


def parser() -> argparse.ArgumentParser:
    """The command line; without a word it is `way`, as it always was."""
    options = argparse.ArgumentParser(
        prog="make bench", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("what", nargs="?", choices=MEASURES, default="way")
    options.add_argument("--seconds", type=float, default=60, help="length of each load")
    options.add_argument("--events", type=int, default=1_000_000, help="soak: how many in all")
    options.add_argument("--rate", type=float, default=600, help="soak: no more events a second than this")
    options.add_argument(
        "--limit", type=float, default=3000, help="soak: end after so many seconds in any case"
    )
    options.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=RATES,
        help="sustained: DMs a second to try, from low to high",
    )
    options.add_argument("--seeds", type=int, default=15, help="routing: simulated days of each row")
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    return options


MEASURES: dict[str, Measure] = {
    "way": _way,
    "load": _load,
    "sustained": _sustained,
    "soak": _soak,
    "routing": _routing,
}


def main() -> int:
    """Measure, print; 1 when a target is missed."""
    options = parser().parse_args()
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # so that a time limit from outside ends the bot, too
    figures: dict[str, Any] = {"what": options.what, "cores": os.cpu_count()}
    with (
        tempfile.TemporaryDirectory() as folder,
        PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml")) as slack,
    ):
        figures["load_before"] = os.getloadavg()
        measured, targets = MEASURES[options.what](slack, Path(folder), options)
    return 0 if tell(figures | measured, targets, options.json) else 1


if __name__ == "__main__":
    sys.exit(main())
