"""Series that come along with a package that rnnlab needs anyway, by name: no file and no network."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path

from rnnlab.errors import DataError
from rnnlab.sources._checks import near
from rnnlab.sources._series_tables import Reading, SeriesKeys, read_series


def load_dataset(name: str) -> Reading:
    """Return the series of this name.

    Raises:
        DataError: there are none.
    """
    if name not in DATASETS:
        raise DataError(
            f"data.dataset: expected one of the series that come along; received '{name}'{near(name, DATASETS)}"
        )
    return DATASETS[name]()


def load_co2() -> Reading:
    """Return the weekly carbon dioxide of the air at Mauna Loa, 1958–2001, in parts per million; 59 weeks are missing.

    Keeling and Whorf (2004), as statsmodels ships it (public domain).
    """
    return read_series([_statsmodels("co2")], SeriesKeys("date", ("co2",), time_format="%Y%m%d"))


def _statsmodels(name: str) -> Path:
    """Return the table of one of statsmodels' data sets; to import statsmodels would take seconds."""
    found = importlib.util.find_spec("statsmodels")
    if found is None or found.origin is None:
        raise DataError(
            f"data.dataset: '{name}' comes with statsmodels, which is not installed: pip install statsmodels"
        )
    return Path(found.origin).parent / "datasets" / name / f"{name}.csv"


DATASETS: Mapping[str, Callable[[], Reading]] = {"co2": load_co2}
