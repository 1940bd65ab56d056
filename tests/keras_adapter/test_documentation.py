"""The pages whose Python imports Keras run as printed, on the backend of this run."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest

pytest.importorskip("keras")
PAGES = [page for page in pages.PAGES if pages.adapter_of(page) == "keras"]


@pytest.mark.parametrize("page", PAGES, ids=pages.name_of)
@pytest.mark.usefixtures("as_a_user")
def test_python_runs_as_printed(page: Path) -> None:
    pages.run_page(page)
