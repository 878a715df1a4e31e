"""`make mutants`: breaks the code on purpose, one small change at a time, and tells which changes no test notices.

Each mutant lives in a copy of the repository under the temp dir, where the tests named for its file run with -x; a mutant
is killed when they fail, or take longer than they may. Which mutants are tried is drawn with a fixed seed.
"""

import argparse
import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
SHARE = 0.9  # of the mutants tried must be killed
# Which mutants, as in Mutant.key, no test can tell from the original, and why.
EQUAL = Path(__file__).with_name("mutation_equal.json")
TESTS = {  # what is broken -> what must notice
    "bot/edge/guard.py": ("tests/bot/edge/test_guard.py", "tests/bot/edge/test_http.py"),
    "bot/edge/shapes.py": ("tests/bot/edge/test_guard.py",),
    "bot/heard.py": (
        "tests/bot/edge/test_guard.py",
        "tests/bot/test_manifest.py",
        "tests/bot/jobs/test_reconcile.py",
    ),
    "bot/storage/claims.py": ("tests/bot/storage/test_claims.py", "tests/bot/edge/test_worker.py"),
    "bot/storage/pump.py": ("tests/bot/edge/test_worker.py", "tests/bot/delivery/test_sender.py"),
    "bot/edge/writer.py": ("tests/bot/edge/test_writer.py",),
    "bot/delivery/outbox.py": ("tests/bot/delivery",),
    "bot/listeners/gate.py": ("tests/security/test_authorisation.py",),
    "bot/services/permissions.py": ("tests/security/test_authorisation.py",),
}
NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
EDGES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file at ``line``, which reads ``code``; ``source`` is the whole file with the change."""

    file: str
    line: int
    code: str
    what: str
    source: str

    @property
    def name(self) -> str:
        """How it is listed."""
        return f"{self.file}:{self.line} {self.what}"

    @property
    def key(self) -> str:
        """Its name for as long as the line reads as it does, wherever in the file that is."""
        return f"{self.file} | {self.code} | {self.what}"


def mutants_of(file: str) -> list[Mutant]:
    """Every mutant of a file."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found, lines = [], text.splitlines()
    whole = ast.parse(text)
    left_alone = {id(part) for node in ast.walk(whole) for part in _decorators(node)}
    for place, node in enumerate(ast.walk(whole)):
        if id(node) in left_alone:
            continue
        for choice, (what, _) in enumerate(_changes(node)):
            tree = ast.parse(text)
            changed = list(ast.walk(tree))[place]
            list(_changes(changed))[choice][1]()
            line = getattr(node, "lineno", 0)
            found.append(Mutant(file, line, lines[line - 1].strip(), what, ast.unparse(tree)))
    return found


def _decorators(node: ast.AST) -> Iterator[ast.AST]:
    """What stands above a class or function: whether a dataclass is frozen is no behaviour that a test could see."""
    for decorator in getattr(node, "decorator_list", ()):
        yield from ast.walk(decorator)


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    """How ``node`` can be broken in place, each in words and as a function that does it."""
    match node:
        case ast.Compare(ops=[op]):
            for table in (NEGATED, EDGES):
                if type(op) in table:
                    new = table[type(op)]
                    yield (
                        f"{ast.unparse(node)}: {type(op).__name__} becomes {new.__name__}",
                        partial(setattr, node, "ops", [new()]),
                    )
        case ast.BoolOp():
            new_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield (
                f"{type(node.op).__name__} becomes {type(new_op).__name__}",
                partial(setattr, node, "op", new_op),
            )
        case ast.UnaryOp(op=ast.Not()):
            yield (
                "not is gone",
                partial(setattr, node, "op", ast.UAdd()),
            )  # +x: as true as x, where x is a bool
        case ast.Constant(value=bool() as value):
            yield f"{value} becomes {not value}", partial(setattr, node, "value", not value)
        case ast.Constant(value=int() | float() as value):
            yield f"{value} becomes {value + 1}", partial(setattr, node, "value", value + 1)
        case ast.Return(value=ast.expr()):
            yield "returns None", partial(setattr, node, "value", ast.Constant(None))
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        for place, statement in enumerate(block if isinstance(block, list) else ()):
            if _can_go(statement):
                what = f"{ast.unparse(statement).splitlines()[0]!r} is gone"
                yield what, partial(block.__setitem__, place, ast.Pass())


def _can_go(statement: ast.stmt) -> bool:
    """What does something by itself; a docstring, an import, a definition or a line of the log does not."""
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant | ast.Yield) and not _is_log(statement.value)
    return isinstance(statement, ast.Raise | ast.Assign | ast.AugAssign | ast.If | ast.Delete)


def _is_log(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func).startswith("log.")


def survives(mutant: Mutant, place: Path, limit_s: float) -> bool:
    """Whether the tests named for its file pass with the mutant in the copy at ``place``."""
    target = place / mutant.file
    whole = target.read_bytes()
    target.write_text(mutant.source, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        *TESTS[mutant.file],
    ]
    tests = subprocess.Popen(
        command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return tests.wait(limit_s) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(tests.pid, signal.SIGKILL)
        tests.wait()
        target.write_bytes(whole)


def main() -> int:
    """Try the mutants, list the survivors, and say how many of each file were killed. 1 when too few were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=25, help="mutants tried of each file; 0: all")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=15, help="no new mutant is tried after that")
    parser.add_argument(
        "--limit", type=float, default=180, help="seconds that the tests may take with one mutant"
    )
    parser.add_argument("files", nargs="*", default=list(TESTS))
    given = parser.parse_args()
    equal: dict[str, str] = json.loads(EQUAL.read_text(encoding="utf-8"))
    end_s, tried, killed = time.monotonic() + given.minutes * 60, Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="firstline-mutants-") as folder:
        place = Path(folder) / "copy"
        shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(".venv", "var", ".git", "__pycache__"))
        for file in given.files:  # tests that fail anyway would kill everything
            whole = Mutant(file, 0, "", "nothing", (ROOT / file).read_text(encoding="utf-8"))
            if not survives(whole, place, given.limit):
                print(f"the tests of {file} fail without a mutant: {' '.join(TESTS[file])}", file=sys.stderr)
                return 2
        for mutant in chosen(given.files, given.sample, given.seed, equal):
            if time.monotonic() > end_s:
                print("the time is up: not all were tried")
                break
            alive = survives(mutant, place, given.limit)
            tried[mutant.file] += 1
            killed[mutant.file] += not alive
            print(f"{'survived' if alive else 'killed'}: {mutant.name}", flush=True)
    for file in tried:
        print(f"{file}: {killed[file]} of {tried[file]} killed ({killed[file] / tried[file]:.0%})")
    print(
        f"all: {killed.total()} of {tried.total()} killed (seed {given.seed}, {len(equal)} equal ones left out)"
    )
    return int(killed.total() < SHARE * tried.total())


def chosen(files: Sequence[str], sample: int, seed: int, equal: Mapping[str, str]) -> list[Mutant]:
    """A sample of each file's mutants, the files by turns, so that whenever time is up each has had its share."""
    drawn = []
    for file in files:
        mutants = [mutant for mutant in mutants_of(file) if mutant.key not in equal]
        some = Random(seed).sample(mutants, min(sample or len(mutants), len(mutants)))
        drawn += list(enumerate(some))
    return [mutant for _, mutant in sorted(drawn, key=lambda entry: entry[0])]


if __name__ == "__main__":
    sys.exit(main())
