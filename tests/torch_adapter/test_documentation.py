"""The pages whose Python imports torch, and not Keras, run as printed."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest
from peers import peer

peer("torch")
PAGES = [page for page in pages.PAGES if pages.adapter_of(page) == "torch"]


@pytest.mark.parametrize("page", PAGES, ids=pages.name_of)
@pytest.mark.usefixtures("as_a_user")
def test_python_runs_as_printed(page: Path) -> None:
    pages.run_page(page)
