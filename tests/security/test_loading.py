"""Nothing that is loaded can run: no pickles in any disguise, no code from strings."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "classifier", "routing", "playground", "migrations", "tests")
BANNED_MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "jsonpickle",
}
BANNED_CALLS = {
    *(
        "torch.load",
        "pd.read_pickle",
        "pandas.read_pickle",
        "yaml.load",
        "yaml.unsafe_load",
        "yaml.full_load",
    ),
    *("eval", "exec", "__import__", "os.system", "os.popen", "subprocess.getoutput"),
}


def faults(source: str) -> Iterator[str]:
    """What in ``source`` loads or runs more than data."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            yield from _call_faults(node)
            continue
        else:
            continue
        yield from (
            name for name in names if name.partition(".")[0] in BANNED_MODULES or name in BANNED_CALLS
        )


def _call_faults(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    if name in BANNED_CALLS and not _is_safe_yaml(call):
        yield name
    first = call.args[0] if call.args else None
    if name.endswith("import_module") and isinstance(first, ast.Constant):
        yield from {str(first.value).partition(".")[0]} & BANNED_MODULES
    for keyword in call.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if (keyword.arg, value) in (("allow_pickle", True), ("shell", True), ("weights_only", False)):
            yield f"{name}({keyword.arg}={value})"


def _is_safe_yaml(call: ast.Call) -> bool:
    """``yaml.load`` with a loader of our own; the test below sees that each stands on yaml's SafeLoader."""
    loaders = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "Loader"]
    return ast.unparse(call.func) == "yaml.load" and loaders == ["_Loader"]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_loads_what_could_run(package: str) -> None:
    """No import of pickle and its kin, no torch.load, no allow_pickle, no shell, no eval, wherever it stands."""
    paths = sorted((ROOT / package).rglob("*.py"))
    assert paths
    found = {str(path.relative_to(ROOT)): list(faults(path.read_text())) for path in paths}
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.numpy_pickle as x",
        "def f():\n    import dill",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "np.load('x', allow_pickle=True)",
        "yaml.load(x)",
        "importlib.import_module('pickle')",
        "subprocess.run('ls', shell=True)",
        "eval('1')",
    ],
)
def test_each_way_is_found(source: str) -> None:
    """The search above would notice any of these."""
    assert list(faults(source))


def test_our_yaml_loaders_make_plain_values_only() -> None:
    """Every class called _Loader is yaml's SafeLoader with more refusals."""
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name == "_Loader":
                assert [ast.unparse(base) for base in node.bases] == ["yaml.SafeLoader"], path


def test_model_folders_hold_no_pickles() -> None:
    """What is in a saved model is text, JSON and safetensors, by name."""
    from classifier.serving import artefact

    names = {
        artefact.BOOSTER,
        artefact.ARRAYS,
        artefact.EXAMPLES,
        artefact.DESCRIPTION,
        artefact.METRICS,
        artefact.CARD,
    }
    assert not [name for name in names if Path(name).suffix in {".pkl", ".pickle", ".joblib", ".pt", ".npy"}]
