"""Optuna's own tests of a storage, on databases that Needletail created.

NEEDLETAIL_EMPTY_STORE is the path of a store without studies; each test gets a copy of it.
"""
import os
import shutil

import optuna
import pytest
from optuna.testing.pytest_storages import StorageTestCase


@pytest.fixture
def storage(tmp_path):
    path = tmp_path / "study.db"
    shutil.copy(os.environ["NEEDLETAIL_EMPTY_STORE"], path)
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    yield storage
    storage.engine.dispose()


class TestNeedletailStore(StorageTestCase):
    pass
