"""Numbers, money, dates and ends as the reader writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.decision import Worth
from rules.format.dates import Anniversary
from rules.format.printing import printable
from rules.situation import Value
from rules.texts import N_, Language, text

SYMBOLS: Mapping[str, str] = {"EUR": "€", "GBP": "£", "USD": "$"}
"""Currencies that every reader knows by a sign; others are written by their code."""
WHOLE_CURRENCIES = frozenset({"HUF", "ISK", "JPY", "KRW"})
"""Currencies whose prices have no decimals."""
CURRENCIES = frozenset(
    {
        *SYMBOLS, *WHOLE_CURRENCIES, "ALL", "AMD", "AUD", "AWG", "AZN", "BAM", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK",
        "GEL", "HKD", "ILS", "INR", "MAD", "MDL", "MKD", "MXN", "NOK", "NZD", "PLN", "RON", "RSD", "SEK", "SGD", "SRD", "THB",
        "TRY", "UAH", "XCG", "ZAR",
    }
)  # fmt: skip
"""Currencies that a book can be in, by ISO 4217: those that are paid in hundredths or not divided at all."""
MONTHS = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
    N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"),
)  # fmt: skip
MOST_DIGITS = 1e15
"""A float holds no more digits than this many of a whole number."""


def number_text(number: float, language: Language) -> str:
    """Return a number with at most two decimals, none where they are zero, and the language's decimal mark."""
    if abs(number) >= MOST_DIGITS or not math.isfinite(number):
        return f"{number:g}"
    digits = f"{number:.2f}".rstrip("0").rstrip(".")
    return _marked("0" if digits == "-0" else digits, language)


def value_text(value: Value, language: Language) -> str:
    """Return a fact as it reads in a sentence: numbers in the reader's way, text without what can't be printed."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value, language)
    return printable(str(value))


def day_text(day: date | Anniversary, language: Language, year: bool = True) -> str:
    """Return a day as people write it: 24 dec 2026, or 24 dec."""
    named = f"{day.day} {text(language, MONTHS[day.month - 1])}"
    return f"{named} {day.year}" if year and isinstance(day, date) else named


def money(amount: float, language: Language, currency: str = "EUR") -> str:
    """Return an amount as it is written: € 2,50 in Dutch, €2.50 in English; CHF 2,50 where a currency has no sign of its own."""
    digits = _marked(f"{amount:.{0 if currency in WHOLE_CURRENCIES else 2}f}", language)
    sign = SYMBOLS.get(currency)
    if sign is None:
        return f"{currency} {digits}"
    return text(language, N_("{sign}{amount}"), sign=sign, amount=digits)


def worth_text(worth: Worth, language: Language) -> str:
    """Return what a voucher is worth, in words: 10%, € 2,50, or the gift's name."""
    if worth.percent is not None:
        return f"{number_text(worth.percent, language)}%"
    if worth.amount_cents is not None:
        return money(worth.amount_cents / 100, language, worth.currency)
    return worth.gift or ""


def end_text(end_s: float, at_s: float, zone: ZoneInfo, language: Language) -> str:
    """Return an end as people say it: the time today, with the date on another day. A midnight ends the day before it, at 24:00."""
    end, now = datetime.fromtimestamp(end_s, zone), datetime.fromtimestamp(at_s, zone)
    clock, day = f"{end:%H:%M}", end.date()
    if clock == "00:00":
        clock, day = "24:00", day - timedelta(days=1)
    if day == now.date():
        return clock
    return f"{day_text(day, language, year=day.year != now.year)} {clock}"


def bound_text(at_s: float, zone: ZoneInfo, is_end: bool = False) -> str:
    """Return a first or last moment as a book writes it; an end at midnight is the end of the day before."""
    moment = datetime.fromtimestamp(at_s, zone)
    if is_end and moment.hour == moment.minute == 0:
        return f"{moment - timedelta(days=1):%Y-%m-%d} 24:00"
    return f"{moment:%Y-%m-%d %H:%M}"


def _marked(digits: str, language: Language) -> str:
    """Put the language's decimal mark in: its catalogue says how it writes one and a half."""
    return digits.replace(".", text(language, N_("1.5"))[1])
