"""Write two tables of made daily sales beside this file: sales.csv to train on, new_sales.csv to forecast.

    python data/make_sales.py

Three shops sell by the day of the week, the time of the year, a level that wanders, and a price that is set for one or
two weeks at a time: a cheap week sells more. One shop opened later, one was closed for a while (no rows), and of some
days the sales were never written down (empty cells). new_sales.csv goes on four weeks longer, and then names the prices
of two weeks to come, whose sales nobody knows yet. Seeded, so that everyone gets the same tables.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np

FIRST = date(2021, 1, 1)
SHOPS = {"Harbour": (90.0, 0), "Market": (220.0, 0), "Station": (40.0, 300)}  # usual sales, day of opening
WEEK = (0.8, 0.75, 0.85, 1.0, 1.3, 1.6, 0.7)  # Monday to Sunday
CLOSED = range(500, 521)  # Harbour's days without rows


def prices(days: int, generator: np.random.Generator) -> np.ndarray:
    """Return (days,) prices: each holds for one or two weeks."""
    steps = generator.choice([2.49, 2.99, 2.99, 3.49], days)
    lengths = generator.choice([7, 14], days)
    return np.repeat(steps, lengths)[:days]


def sales(usual: float, price: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return (days,) sales at these prices."""
    days = [FIRST + timedelta(int(day)) for day in range(len(price))]
    week = np.array([WEEK[day.weekday()] for day in days])
    year = 1 + 0.25 * np.sin(2 * np.pi * np.array([day.timetuple().tm_yday for day in days]) / 365)
    level = np.exp(np.cumsum(generator.normal(0, 0.01, len(days))))
    noise = np.exp(generator.normal(0, 0.08, len(days)))
    return np.round(usual * week * year * level * noise * (2.99 / price) ** 2)


def write(folder: Path, days: int = 1096, later: int = 28, horizon: int = 14, seed: int = 0) -> None:
    """Write sales.csv, so many days, and new_sales.csv, some days later and with the prices of the days to come."""
    generator = np.random.default_rng(seed)
    rows, new = [], []
    for shop, (usual, opened) in SHOPS.items():
        price = prices(days + later + horizon, generator)
        sold = sales(usual, price, generator)
        unknown = generator.random(len(sold)) < 0.01
        for day in range(opened, len(price)):
            if shop == "Harbour" and day in CLOSED:
                continue
            known = day < days + later and not unknown[day]
            row = [shop, FIRST + timedelta(day), f"{price[day]:.2f}", f"{sold[day]:.0f}" if known else ""]
            if day < days:
                rows.append(row)
            if day >= days + later - 365:  # a year is enough to look back on
                new.append(row)
    for name, table in (("sales.csv", rows), ("new_sales.csv", new)):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([["shop", "date", "price", "sales"], *table])


if __name__ == "__main__":
    write(Path(__file__).parent)
    print(f"wrote {Path(__file__).parent / 'sales.csv'} and {Path(__file__).parent / 'new_sales.csv'}")
