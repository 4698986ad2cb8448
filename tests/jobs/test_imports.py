"""What a screen may import: nothing of the jobs part costs torch or scikit-learn."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

_SCREEN = """
import sys, pkgutil, importlib, tempfile
import fairaudit.jobs as jobs
import fairaudit.worker
names = [m.name for m in pkgutil.walk_packages(jobs.__path__, "fairaudit.jobs.")]
assert len(names) > 15, names
for name in names:
    importlib.import_module(name)
from fairaudit.jobs.workspace import Workspace
from fairaudit.jobs.spec import JobSpec
root = tempfile.mkdtemp()
w = Workspace(root)
info = w.ingest(b"x,y,p,sex\\n" + b"".join(b"%d,%d,%d,%s\\n" % (i, i % 2, i % 3 % 2,
    (b"f", b"m")[i % 2]) for i in range(60)), name="a.csv")
roles = {"target": "y", "sensitive": ["sex"], "predictions": ["p"], "positive": "1"}
spec = JobSpec.model_validate({"dataset": info.sha256, "audit": {"roles": roles,
    "kind": "predictions", "n_boot": 20}})
id = w.submit(spec)
w.jobs(), w.job(id), w.events(id), w.log(id), w.datasets(), w.dataset(info.sha256), w.trail()
w.cancel(id), w.delete(id), w.check(), w.prune(), w.usage_mb()
heavy = {"torch", "sklearn", "ray", "pandas", "streamlit"} & set(sys.modules)
print(sorted(heavy))
"""


def test_nothing_a_screen_does_with_a_workspace_imports_torch_or_sklearn() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCREEN], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


_PICKLES = {"pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}


def test_there_is_no_pickle() -> None:
    import fairaudit

    for path in Path(fairaudit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                assert not {a.name.split(".")[0] for a in node.names} & _PICKLES, where
            elif isinstance(node, ast.ImportFrom):
                used = {a.name for a in node.names} - {"UnpicklingError"}  # an error's name
                assert not used or (node.module or "").split(".")[0] not in _PICKLES, where
            elif isinstance(node, ast.Call):
                _check_call(node, where)


def _check_call(node: ast.Call, where: str) -> None:
    """torch.save never; torch.load for plain tensors users bring; numpy without objects."""
    name = ast.unparse(node.func)
    options = {k.arg: ast.unparse(k.value) for k in node.keywords}
    assert name not in ("torch.save", "pd.read_pickle", "pandas.read_pickle"), where
    assert options.get("allow_pickle", "False") == "False", where
    if name == "torch.load":
        assert options.get("weights_only") == "True", where
