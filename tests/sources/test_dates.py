"""Dates: each has one reading, whoever reads it; splits share neither a string nor a day; a seed makes the same."""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources.dates import FORMS, SPELLINGS, Dates, _written, forms_of

# A reader of its own. It knows what months and days of the week are called, in every language at once, and nothing of
# the forms: it takes every number for whatever it might be.
MONTHS = [
    "january jan januar jan. janvier janv. enero ene gennaio gen",
    "february feb februar feb. février févr. febrero febbraio",
    "march mar märz mär. mars marzo",
    "april apr apr. avril avr. abril abr aprile",
    "may mai mayo maggio mag",
    "june jun juni juin junio giugno giu",
    "july jul juli juillet juil. julio luglio lug",
    "august aug aug. août agosto ago",
    "september sep sept. septembre septiembre settembre set",
    "october oct oktober okt. octobre oct. octubre ottobre ott",
    "november nov nov. novembre noviembre",
    "december dec dezember dez. décembre déc. diciembre dic dicembre",
]
WEEKDAYS = [
    "monday mon montag mo. lundi lun. lunes lun lunedì",
    "tuesday tue dienstag di. mardi mar. martes mar martedì",
    "wednesday wed mittwoch mi. mercredi mer. miércoles mié mercoledì mer",
    "thursday thu donnerstag do. jeudi jeu. jueves jue giovedì gio",
    "friday fri freitag fr. vendredi ven. viernes vie venerdì ven",
    "saturday sat samstag sa. samedi sam. sábado sáb sabato sab",
    "sunday sun sonntag so. dimanche dim. domingo dom domenica",
]
MONTH_OF = [(name, number) for number, names in enumerate(MONTHS, start=1) for name in names.split()]
WEEKDAY_OF = [(name, number) for number, names in enumerate(WEEKDAYS) for name in names.split()]
FILLING = {"the", "of", "am", "den", "le", "el", "de", "del", "il", "l", "st", "nd", "rd", "th", "er", "º", "", "."}


def years(digits: str) -> list[int]:
    """Return the years that digits may stand for: two of them are one of 1950 to 2049."""
    if len(digits) == 2:
        return [1900 + int(digits) if int(digits) >= 50 else 2000 + int(digits)]
    return [int(digits)] if len(digits) == 4 else []


def made(year: int, month: int, day: int) -> Iterator[date]:
    if 1 <= month <= 12 and 1 <= day <= 31:
        try:
            yield date(year, month, day)
        except ValueError:
            return


def of_numbers(text: str) -> Iterator[date]:
    """Yield every reading of three numbers in any order; a year of four digits that comes first is year, month, day."""
    if re.fullmatch(r"\d{8}", text):
        yield from made(int(text[:4]), int(text[4:6]), int(text[6:]))
    if (found := re.fullmatch(r"(\d+)([-./])(\d+)\2(\d+)", text)) is None:
        return
    parts = found.group(1, 3, 4)
    if len(parts[0]) == 4:
        yield from made(int(parts[0]), int(parts[1]), int(parts[2]))
        return
    for year, month, day in itertools.permutations(parts):
        if len(month) <= 2 and len(day) <= 2:
            for each in years(year):
                yield from made(each, int(month), int(day))


def of_words(text: str) -> Iterator[date]:
    """Yield every reading in which one word is a month, perhaps another a day of the week, and two numbers the rest."""
    words = re.findall(r"[^\W\d_]+\.?|(?:(?<!l)')?\d+|[^\w\s]", text.replace("º", " "))  # not the apostrophe of l'8
    named = [number for number, word in enumerate(words) if word[0].isalpha()]
    numbers = [word for word in words if word[-1].isdigit()]
    if len(numbers) != 2:
        return
    for place in named:
        others = [words[each] for each in named if each != place]
        for weekdays in weekdays_of(others):
            for month in {number for name, number in MONTH_OF if words[place] in (name, f"{name}.")}:
                for day, year in itertools.permutations(numbers):
                    # Only a year has an apostrophe, and only one of two digits.
                    if "'" in day or len(day) > 2 or ("'" in year) != (len(year.strip("'")) == 2):
                        continue
                    for each in (found for any_ in years(year.strip("'")) for found in made(any_, month, int(day))):
                        if weekdays is None or each.weekday() in weekdays:
                            yield each


def weekdays_of(words: list[str]) -> Iterator[set[int] | None]:
    """Yield which days of the week words may name: of all but one, or of all, that only fill."""
    if all(word in FILLING for word in words):
        yield None
    for place, word in enumerate(words):
        known = {number for name, number in WEEKDAY_OF if name == word}
        if known and all(other in FILLING for other in (*words[:place], *words[place + 1 :])):
            yield known


def readings(text: str) -> set[date]:
    return {*of_numbers(text), *of_words(text.lower())}


def opened(**keys: Any) -> dict[str, Examples]:
    return Dates.model_validate(keys).splits(Places(Path(), Path()))


def strings(examples: Examples) -> list[str]:
    return [examples.read(index)["text"].tobytes().decode() for index in range(len(examples))]


def answers(examples: Examples) -> list[str]:
    assert examples.targets is not None
    return [text.decode() for text in examples.targets.tolist()]


def test_every_string_has_one_reading_and_it_is_the_answer() -> None:
    for examples in opened(train=5000, validation_examples=100, test=1000, seed=3).values():
        for text, answer in zip(strings(examples), answers(examples), strict=True):
            assert {each.isoformat() for each in readings(text)} == {answer}, text


def test_every_form_of_every_kind_of_day_has_one_reading() -> None:
    """All forms, spelt in every way, over days that begin and end months, decades and the range of short years."""
    years = (1949, 1950, 1987, 2000, 2012, 2031, 2049, 2050)
    for day in itertools.starmap(date, itertools.product(years, range(1, 13), (1, 2, 3, 8, 11, 12, 13, 22, 28))):
        for language, forms in forms_of(day):
            for form in forms:
                for spell in set(SPELLINGS):
                    text = spell(_written(day, language, form))
                    assert readings(text) == {day}, text


def test_the_reader_finds_both_readings_of_what_has_two() -> None:
    """Else the tests above would prove nothing."""
    assert readings("03/04/2021") == {date(2021, 4, 3), date(2021, 3, 4)}
    assert len(readings("11.12.13")) == 4
    assert readings("25/12/21") == {date(2021, 12, 25), date(2025, 12, 21)}
    assert readings("the 3rd of Smarch 2021") == set()
    assert readings("Monday, March 3, 2021") == set()  # it was a Wednesday


def test_every_form_and_every_language_occurs() -> None:
    texts = " ".join(strings(opened()["train"]))
    for word in ("3rd of", "den 3. ", "1er", "de enero de", "l'8 ", "il 1º gennaio", "'21", "MÄRZ", "août", "/19"):
        assert word in texts, word
    assert len({form for forms in FORMS.values() for form in forms}) > 40


def test_splits_share_neither_a_string_nor_a_day_and_no_string_is_there_twice() -> None:
    # The last has more dates than days, and splits of one date.
    for keys in ({}, {"first_year": 2001, "last_year": 2001, "train": 2800, "validation_examples": 1, "test": 1}):
        splits = opened(**keys)
        every = [text for examples in splits.values() for text in strings(examples)]
        assert len(set(every)) == len(every)
        days = [set(answers(examples)) for examples in splits.values()]
        assert len(set.union(*days)) == sum(map(len, days))
        for examples, own in zip(splits.values(), days, strict=True):
            assert len(set(np.asarray(examples.groups).tolist())) == len(own)


def test_sizes_and_years_are_those_asked_for() -> None:
    found = opened()
    assert [(name, len(each)) for name, each in found.items()] == [
        ("train", 20_000),
        ("validation", 1000),
        ("test", 2000),
    ]
    years = [int(answer[:4]) for answer in answers(found["train"])]
    assert (min(years), max(years)) == (1950, 2049)
    other = opened(first_year=1850, last_year=1851, train=50, test=7, validation_examples=3)
    assert [len(examples) for examples in other.values()] == [50, 3, 7]
    assert {answer[:4] for answer in answers(other["train"])} == {"1850", "1851"}
    assert not any("'" in text.replace("l'", "").replace("L'", "") for text in strings(other["train"]))


def test_validation_may_be_a_part_of_training_instead_with_each_day_on_one_side() -> None:
    keys = {"train": 1200, "test": 10, "first_year": 2000, "last_year": 2001}
    cut = opened(**keys, validation={"by": "folds", "folds": 4, "grouped": True})
    assert {name: len(examples) for name, examples in cut.items()}["test"] == 10
    assert len(cut["train"]) + len(cut["validation"]) == 1200
    assert not set(answers(cut["train"])) & set(answers(cut["validation"]))
    with pytest.raises(ValidationError, match="does nothing while 'validation' is"):
        Dates.model_validate({"validation": {"by": "none"}, "validation_examples": 5})


def test_a_seed_makes_the_same_dates_on_every_machine_and_another_seed_others() -> None:
    keys = {"train": 500, "test": 5, "validation_examples": 5}
    texts = strings(opened(**keys)["train"])
    assert hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16] == "736f44256abeb65d"
    assert strings(opened(**keys, seed=1)["train"]) != texts


def test_dates_are_made_in_seconds() -> None:
    started = time.process_time()
    opened(train=100_000)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"first_year": 2000, "last_year": 1999}, "expected last_year 2000 or later, as first_year; received 1999"),
        ({"first_year": 2000, "last_year": 2000}, "at most 2,904 dates of 2000 to 2000, 8 a day; received 23,000"),
        ({"train": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_made_is_a_mistake_of_the_spec(keys: dict[str, int], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Dates.model_validate(keys)


def test_dates_to_predict_are_lines(tmp_path: Path) -> None:
    file = tmp_path / "dates.txt"
    file.write_text("3rd of May 1999\n\n 1er mai 1999 \n")
    signature = opened(train=5, test=5, validation_examples=5)["train"].signature
    read = Dates().read_input(file, signature)
    assert (strings(read), read.signature.target) == (["3rd of May 1999", "1er mai 1999"], None)
    assert read.notes == ["1 empty line(s) passed over; answers are of the others"]
    assert [each.rpartition("/")[2] for each in read.locations] == ["dates.txt:1", "dates.txt:3"]
    file.write_text("\n")
    with pytest.raises(DataError, match="expected a date a line; received none"):
        Dates().read_input(file, signature)
