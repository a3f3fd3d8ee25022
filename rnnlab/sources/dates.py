"""Dates as people write them, and the same in ISO 8601: made by a seeded generator, no files.

What is made can be read in one way only. A month stands there by its name, or the year comes first, or the day is too
large to be a month; and where a year of two digits stands beside numbers, it is too large to be a day.

Axes: N examples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.sources._targets import TEXT_TARGET
from rnnlab.sources._texts import TEXT, lines_to_answer

PIVOT = 50  # of years of two digits: 50 to 99 are 1950 to 1999, and 00 to 49 are 2000 to 2049
MOST_A_DAY = 8
LAST_MONTH, LAST_DAY = 12, 31


@dataclass(frozen=True)
class Language:
    """Names of a language: months from January on, days of the week from Monday on, as they stand in dates."""

    months: tuple[str, ...]
    short_months: tuple[str, ...]
    weekdays: tuple[str, ...]
    short_weekdays: tuple[str, ...]


def _language(months: str, short_months: str, weekdays: str, short_weekdays: str) -> Language:
    return Language(*(tuple(names.split()) for names in (months, short_months, weekdays, short_weekdays)))


LANGUAGES = MappingProxyType(
    {
        "en": _language(
            "January February March April May June July August September October November December",
            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
            "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
            "Mon Tue Wed Thu Fri Sat Sun",
        ),
        "de": _language(
            "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
            "Jan. Feb. Mär. Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
            "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
            "Mo. Di. Mi. Do. Fr. Sa. So.",
        ),
        "fr": _language(
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
            "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
            "lundi mardi mercredi jeudi vendredi samedi dimanche",
            "lun. mar. mer. jeu. ven. sam. dim.",
        ),
        "es": _language(
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
            "ene feb mar abr may jun jul ago sep oct nov dic",
            "lunes martes miércoles jueves viernes sábado domingo",
            "lun mar mié jue vie sáb dom",
        ),
        "it": _language(
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "gen feb mar apr mag giu lug ago set ott nov dic",
            "lunedì martedì mercoledì giovedì venerdì sabato domenica",
            "lun mar mer gio ven sab dom",
        ),
    }
)

# In each form: {d} the day, {dd} with two digits, {nth} as an ordinal, {m} and {mm} the month, {month} its name, {mon}
# its short name, {weekday} and {wd} those of the day of the week, {yyyy} and {yy} the year, {the} the Italian article.
FORMS = MappingProxyType(
    {
        "en": (
            "{month} {d}, {yyyy}",
            "{month} {nth}, {yyyy}",
            "{mon} {d}, {yyyy}",
            "{mon} {nth} {yyyy}",
            "{d} {month} {yyyy}",
            "{d} {mon} {yyyy}",
            "{nth} {month} {yyyy}",
            "{nth} of {month} {yyyy}",
            "the {nth} of {month}, {yyyy}",
            "{weekday}, {month} {d}, {yyyy}",
            "{weekday}, {d} {month} {yyyy}",
            "{weekday} the {nth} of {month} {yyyy}",
            "{wd} {d} {mon} {yyyy}",
            "{wd}, {mon} {d}, {yyyy}",
            "{yyyy} {month} {d}",
            "{dd}-{mon}-{yyyy}",
            "{dd}{mon}{yyyy}",
            "{mon} {d} '{yy}",
            "{d} {month} '{yy}",
        ),
        "de": (
            "{d}. {month} {yyyy}",
            "{dd}. {month} {yyyy}",
            "{d}.{month} {yyyy}",
            "{d}. {mon} {yyyy}",
            "am {d}. {month} {yyyy}",
            "den {d}. {month} {yyyy}",
            "{weekday}, {d}. {month} {yyyy}",
            "{weekday}, den {d}. {month} {yyyy}",
            "{wd}, {d}. {mon} {yyyy}",
            "{d}. {month} '{yy}",
        ),
        "fr": (
            "{nth} {month} {yyyy}",
            "le {nth} {month} {yyyy}",
            "{weekday} {nth} {month} {yyyy}",
            "le {weekday} {nth} {month} {yyyy}",
            "{wd} {nth} {mon} {yyyy}",
            "{nth} {mon} {yyyy}",
            "{nth} {month} '{yy}",
        ),
        "es": (
            "{d} de {month} de {yyyy}",
            "{d} de {month} del {yyyy}",
            "el {d} de {month} de {yyyy}",
            "{weekday}, {d} de {month} de {yyyy}",
            "{wd} {d} {mon} {yyyy}",
            "{d} {mon} {yyyy}",
            "{d} de {month} de '{yy}",
        ),
        "it": (
            "{nth} {month} {yyyy}",
            "{the}{nth} {month} {yyyy}",
            "{weekday} {nth} {month} {yyyy}",
            "{wd} {nth} {mon} {yyyy}",
            "{nth} {mon} {yyyy}",
            "{nth} {month} '{yy}",
        ),
    }
)
YEAR_FIRST = ("{yyyy}-{mm}-{dd}", "{yyyy}.{mm}.{dd}", "{yyyy}/{mm}/{dd}", "{yyyy}/{m}/{d}", "{yyyy}{mm}{dd}")
YEAR_LAST = (
    "{d}/{m}/{yyyy}",
    "{dd}/{mm}/{yyyy}",
    "{m}/{d}/{yyyy}",
    "{mm}/{dd}/{yyyy}",
    "{d}.{m}.{yyyy}",
    "{dd}.{mm}.{yyyy}",
    "{dd}-{mm}-{yyyy}",
)
SHORT_YEAR_LAST = ("{d}/{m}/{yy}", "{m}/{d}/{yy}", "{dd}.{mm}.{yy}", "{dd}-{mm}-{yy}")
# As written four times of six.
SPELLINGS: tuple[Callable[[str], str], ...] = (str, str, str, str, str.lower, str.upper)


class Dates(SequenceSource):
    """Dates in English, German, French, Spanish, Italian and numbers, to be written as `YYYY-MM-DD`.

    No calendar day of one split stands in another, and no string is there twice. A year of two digits is one of 1950 to
    2049.
    """

    train: int = Field(20_000, ge=1, description="dates to train on")
    validation_examples: int = Field(1000, ge=1, description="dates to validate on, for `validation.by: given`")
    test: int = Field(2000, ge=1, description="dates to test on")
    first_year: int = Field(
        1950,
        ge=1000,
        le=9999,
        description="the first year; years of two digits stand for 1950 to 2049 (50 to 99 are of the 20th century, 00 "
        "to 49 of the 21st), and others are always written with four",
    )
    last_year: int = Field(2049, ge=1000, le=9999, description="the last year")
    seed: int = Field(0, ge=0, description="seed of the dates")
    validation: Validation = Field(
        default_factory=lambda: Validation(by="given"),
        description="how validation dates are found; `given`: days of their own",
    )

    idle_unless = MappingProxyType({"validation_examples": ("validation", lambda how: how.by == "given")})

    @model_validator(mode="after")
    def _days_suffice(self) -> Dates:
        if self.last_year < self.first_year:
            raise ValueError(f"expected last_year {self.first_year} or later, as first_year; received {self.last_year}")
        most = MOST_A_DAY * (len(_days(self.first_year, self.last_year)) - len(self.counts))
        if sum(self.counts.values()) > most:
            raise ValueError(
                f"expected at most {most:,} dates of {self.first_year} to {self.last_year}, {MOST_A_DAY} a day; "
                f"received {sum(self.counts.values()):,}; ask for fewer, or for more years"
            )
        return self

    @property
    def counts(self) -> dict[str, int]:
        """How many examples each split has."""
        validating = {"validation": self.validation_examples} if self.validation.by == "given" else {}
        return {"train": self.train, **validating, "test": self.test}

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        days = _days(self.first_year, self.last_year)
        # The raw bits of PCG64 are promised to be the same for ever; what a Generator makes of them is not.
        bits = np.random.PCG64(self.seed)
        order = np.argsort(bits.random_raw(len(days)), kind="stable")
        splits: dict[str, Examples] = {}
        for name, own in _shares(self.counts, order).items():
            asked = [days[int(own[number % len(own)])] for number in range(self.counts[name])]
            groups = np.array([day.toordinal() for day in asked], np.int64)
            splits[name] = _examples(write_dates(asked, bits.random_raw(len(asked))), asked, groups)
        return splits

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the dates of a text file, one a line."""
        lines = lines_to_answer(path, None, "a date")
        examples = _examples([text.strip() for text in lines.texts], None, None)
        return replace(examples, locations=lines.places, notes=lines.notes)


def write_dates(days: list[date], bits: NDArray[np.uint64]) -> list[str]:
    """Return each date as somebody might write it, none of them twice.

    Args:
        days: (N,) none of them many times: each can be written in some forty ways.
        bits: (N,) random ones, which choose the form: first the language, or numbers.
    """
    found: dict[str, None] = {}
    for day, own in zip(days, bits.tolist(), strict=True):
        languages = forms_of(day)
        forms = [(language, form) for language, all_ in languages for form in all_]
        chosen = own % len(languages)
        number = sum(len(all_) for _, all_ in languages[:chosen]) + (own >> 16) % len(languages[chosen][1])
        spell = SPELLINGS[(own >> 32) % len(SPELLINGS)]
        # Where another example has this text already, the next form is taken.
        while (text := spell(_written(day, *forms[number % len(forms)]))) in found:
            number += 1
        found[text] = None
    return list(found)


def forms_of(day: date) -> list[tuple[str, tuple[str, ...]]]:
    """Return the forms in which a date can be read in one way only: those of each language, and of numbers."""
    numbers: tuple[str, ...] = YEAR_FIRST
    short = _has_short_year(day)
    if day.day > LAST_MONTH:
        numbers += YEAR_LAST
        if short and day.year % 100 > LAST_DAY:
            numbers += SHORT_YEAR_LAST
    named = ((name, tuple(form for form in forms if short or "{yy}" not in form)) for name, forms in FORMS.items())
    return [*named, ("en", numbers)]


def _has_short_year(day: date) -> bool:
    return 1900 + PIVOT <= day.year < 2000 + PIVOT


def _written(day: date, language: str, form: str) -> str:
    names = LANGUAGES[language]
    return form.format(
        d=day.day,
        dd=f"{day.day:02}",
        nth=_ordinal(day.day, language),
        the="l'" if day.day in (8, 11) else "il ",
        m=day.month,
        mm=f"{day.month:02}",
        month=names.months[day.month - 1],
        mon=names.short_months[day.month - 1],
        weekday=names.weekdays[day.weekday()],
        wd=names.short_weekdays[day.weekday()],
        yyyy=day.year,
        yy=f"{day.year % 100:02}",
    )


def _ordinal(day: int, language: str) -> str:
    """Return the number of a day as the language says it: in French and Italian only the first is an ordinal."""
    if language == "en":
        ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return f"{day}{'th' if 11 <= day <= 13 else ending}"
    return {"fr": "1er", "it": "1º"}.get(language, "1") if day == 1 else str(day)


def _days(first: int, last: int) -> list[date]:
    begin, end = date(first, 1, 1), date(last, 12, 31)
    return [begin + timedelta(number) for number in range((end - begin).days + 1)]


def _shares(counts: dict[str, int], order: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return which days each split has: one for each example where they suffice, else in proportion."""
    total, spare, begin = sum(counts.values()), len(order) - len(counts), 0
    found = {}
    for name, count in counts.items():
        share = min(count, 1 + spare * count // total)  # no split is without a day
        found[name] = order[begin : begin + share]
        begin += share
    return found


def _examples(texts: list[str], days: list[date] | None, groups: NDArray[np.int64] | None) -> FlatExamples:
    values = [np.frombuffer(text.encode(), np.uint8) for text in texts]
    targets = None if days is None else np.array([day.isoformat().encode() for day in days], np.bytes_)
    signature = Signature((TEXT,), None if days is None else TEXT_TARGET)
    return FlatExamples.from_sequences(
        signature, [str(number) for number in range(len(texts))], values, targets, groups
    )
