import os
from pathlib import Path

import pytest

from vls import Client


@pytest.fixture(scope="session")
def client():
    with Client(os.environ["VLS_URL"]) as client:
        yield client


@pytest.fixture(scope="session")
def photos():
    return Path(os.environ["VLS_PHOTOS"])


@pytest.fixture(scope="session")
def captions(photos):
    import json

    return json.loads((photos / "captions.json").read_text())
