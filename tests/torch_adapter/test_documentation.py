"""The pages whose Python imports torch, and not Keras, run as printed."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest
from peers import peer

peer("torch")
PAGES = [page for page in pages.PAGES if pages.adapter_of(page) == "torch"]


@pytest.mark.parametrize("page", PAGES, ids=pages.name_of)
def test_python_runs_as_printed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    pages.run_page(page)
