"""A schedule of every class."""

from __future__ import annotations

from typing import Any

import pytest
from examples import EXAMPLES


@pytest.fixture(params=EXAMPLES, ids=repr)
def schedule(request: pytest.FixtureRequest) -> Any:
    return request.param
