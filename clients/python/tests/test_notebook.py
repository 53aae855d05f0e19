import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


@pytest.mark.parametrize("name", ["choose.ipynb"])
def test_the_notebook_runs_from_start_to_end(name, tmp_path):
    shutil.copy(NOTEBOOKS / name, tmp_path)
    notebook = nbformat.read(tmp_path / name, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    kept = pd.read_parquet(tmp_path / "kept.parquet")
    assert 0 < len(kept) < 9
    assert (kept["score"] >= 0).all()
    # Every wrong caption scores below its image's own.
    assert not kept["wrong"].any()
