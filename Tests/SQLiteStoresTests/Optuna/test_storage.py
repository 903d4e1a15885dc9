"""Optuna's own tests of a storage, on databases that Needletail created.

NEEDLETAIL_EMPTY_STORE is the path of a store without studies, and each test gets a copy of it; or the address of a
PostgreSQL database with the empty tables of one, and each test gets it empty.
"""
import os
import shutil

import optuna
import pytest
import sqlalchemy
from optuna.testing.pytest_storages import StorageTestCase

STORE = os.environ["NEEDLETAIL_EMPTY_STORE"]


@pytest.fixture
def storage(tmp_path):
    if "://" in STORE:
        url = STORE
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("TRUNCATE studies, trials, needletail_studies RESTART IDENTITY CASCADE"))
        engine.dispose()
    else:
        path = tmp_path / "study.db"
        shutil.copy(STORE, path)
        url = f"sqlite:///{path}"
    storage = optuna.storages.RDBStorage(url)
    yield storage
    storage.engine.dispose()


class TestNeedletailStore(StorageTestCase):
    pass
