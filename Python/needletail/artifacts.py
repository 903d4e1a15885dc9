"""Files that belong to trials and studies, in a folder."""

from __future__ import annotations

import json
import mimetypes
import os
import shutil
import uuid

from needletail._client import FrozenTrial, NeedletailError
from needletail._refusing import refusing

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PREFIX = "artifacts:"


class ArtifactNotFound(NeedletailError):
    """The folder has no such file."""


class ArtifactMeta:
    """What is known of a file."""

    def __init__(
        self, artifact_id: str, filename: str, mimetype: str, encoding: str | None
    ) -> None:
        self.artifact_id = artifact_id
        self.filename = filename
        self.mimetype = mimetype
        self.encoding = encoding

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArtifactMeta) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        return f"ArtifactMeta({self.artifact_id!r}, {self.filename!r})"


class FileSystemArtifactStore:
    """A folder with a file per artifact."""

    def __init__(self, base_path: str | os.PathLike[str]) -> None:
        self._base_path = os.fspath(base_path)

    def _path(self, artifact_id: str) -> str:
        if os.path.basename(artifact_id) != artifact_id or artifact_id in ("", ".", ".."):
            raise ValueError(f"{artifact_id!r} is the name of no artifact")
        return os.path.join(self._base_path, artifact_id)

    def open_reader(self, artifact_id: str) -> Any:
        try:
            return open(self._path(artifact_id), "rb")
        except FileNotFoundError as error:
            raise ArtifactNotFound(f"there is no artifact {artifact_id}") from error

    def write(self, artifact_id: str, content_body: Any) -> None:
        with open(self._path(artifact_id), "wb") as output:
            shutil.copyfileobj(content_body, output)

    def remove(self, artifact_id: str) -> None:
        try:
            os.remove(self._path(artifact_id))
        except FileNotFoundError as error:
            raise ArtifactNotFound(f"there is no artifact {artifact_id}") from error


Boto3ArtifactStore = refusing("Boto3ArtifactStore", "use FileSystemArtifactStore")
GCSArtifactStore = refusing("GCSArtifactStore", "use FileSystemArtifactStore")
Backoff = refusing("Backoff", "use FileSystemArtifactStore")


def upload_artifact(
    *,
    artifact_store: FileSystemArtifactStore,
    file_path: str,
    study_or_trial: Any,
    storage: Any = None,
    mimetype: str | None = None,
    encoding: str | None = None,
) -> str:
    """Copies a file into the store, notes it with the trial or study, and returns its name there."""
    if isinstance(study_or_trial, FrozenTrial):
        raise NotImplementedError(
            "needletail keeps artifacts of running trials and of studies; upload it in the objective"
        )
    guessed = mimetypes.guess_type(file_path)
    meta = {
        "artifact_id": str(uuid.uuid4()),
        "filename": os.path.basename(file_path),
        "mimetype": mimetype or guessed[0] or "application/octet-stream",
        "encoding": encoding or guessed[1],
    }
    artifact_id = str(meta["artifact_id"])
    with open(file_path, "rb") as content:
        artifact_store.write(artifact_id, content)
    study_or_trial.set_user_attr(_PREFIX + artifact_id, json.dumps(meta))
    return artifact_id


def get_all_artifact_meta(study_or_trial: Any, *, storage: Any = None) -> list[ArtifactMeta]:
    """What is noted of a trial's or a study's files."""
    attributes = study_or_trial.user_attrs
    return [
        ArtifactMeta(**json.loads(value))
        for key, value in attributes.items()
        if key.startswith(_PREFIX)
    ]


def download_artifact(
    *, artifact_store: FileSystemArtifactStore, file_path: str, artifact_id: str
) -> None:
    """Copies a file out of the store."""
    if os.path.exists(file_path):
        raise FileExistsError(f"File already exists: {file_path}")
    with artifact_store.open_reader(artifact_id) as source, open(file_path, "wb") as output:
        shutil.copyfileobj(source, output)


__all__ = [
    "ArtifactMeta",
    "Backoff",
    "Boto3ArtifactStore",
    "FileSystemArtifactStore",
    "download_artifact",
    "get_all_artifact_meta",
    "upload_artifact",
]
