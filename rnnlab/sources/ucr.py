"""Any problem of the UCR/UEA time series archive, by name; some come with aeon and need no network."""

from __future__ import annotations

import importlib.util
import json
from http.client import HTTPException
from pathlib import Path
from typing import Any

from pydantic import Field

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, _downloads
from rnnlab.sources._checks import near
from rnnlab.sources.ts_file import read_ts

RECORD = "https://zenodo.org/api/records/{}"
MOST_BYTES_OF_RECORD = 10_000_000


class Ucr(SequenceSource):
    """A classification or regression problem of the UCR/UEA archive (timeseriesclassification.com).

    A problem that comes with aeon is read from there; others from `ucr/NAME/` in the data directory, into which they
    are downloaded from Zenodo at first use.
    """

    # The pattern has no dot and no slash: a name can't leave its folder.
    dataset: str = Field(description="the problem's name, such as JapaneseVowels", pattern=r"^[A-Za-z0-9_\-]+$")

    def open(self, places: Places) -> dict[str, Examples]:
        folder = self._folder(places)
        train_file, test_file = self._files()
        train = read_ts(folder / train_file, None, self.on_bad)
        return {"train": train, "test": read_ts(folder / test_file, train.signature, self.on_bad)}

    def read_input(self, path: Path, signature: Signature) -> Examples:
        return read_ts(path, Signature(signature.inputs), self.on_bad)

    def _files(self) -> tuple[str, str]:
        return f"{self.dataset}_TRAIN.ts", f"{self.dataset}_TEST.ts"

    def _folder(self, places: Places) -> Path:
        aeon = importlib.util.find_spec("aeon")
        downloaded = places.data / "ucr" / self.dataset
        folders = [downloaded]
        if aeon is not None and aeon.origin is not None:
            folders = [Path(aeon.origin).parent / "datasets" / "data" / self.dataset, downloaded]
        for folder in folders:
            if all((folder / file).is_file() for file in self._files()):
                return folder
        self._download(downloaded)
        return downloaded

    def _download(self, folder: Path) -> None:
        from aeon.datasets.tsc_datasets import tsc_zenodo
        from aeon.datasets.tser_datasets import tsr_zenodo

        train_file, test_file = self._files()
        remedy = f"put {train_file} and {test_file} into {folder}"
        records: dict[str, int] = {**tsc_zenodo, **tsr_zenodo}
        if self.dataset not in records:
            hint = near(self.dataset, records)
            raise DataError(
                f"data.dataset: expected a problem of the UCR/UEA archive; received '{self.dataset}'{hint} "
                f"(for data of your own, {remedy})"
            )
        try:
            with _downloads.open_address(RECORD.format(records[self.dataset])) as response:
                record = {each["key"]: each for each in json.loads(response.read(MOST_BYTES_OF_RECORD))["files"]}
            for file in self._files():
                _fetch(record[file], folder / file)
        except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(
                f"data.dataset: '{self.dataset}' does not come with aeon and could not be downloaded from "
                f"{RECORD.format(records[self.dataset])} ({type(error).__name__}: {error}). "
                f"Without a network, {remedy}"
            ) from error


def _fetch(entry: dict[str, Any], path: Path) -> None:
    """Download one file of a Zenodo record."""
    algorithm, _, expected = str(entry["checksum"]).rpartition(":")
    _downloads.fetch(str(entry["links"]["self"]), path, algorithm, expected)
