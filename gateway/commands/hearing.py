"""A recording as sightings: who was heard when, by the same frames and identities as on the air."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.model import Sighting
from gateway.radio.frames import beacon_id
from gateway.radio.recordings import Recording
from gateway.shoppers.identities import Identities
from gateway.shoppers.optins import OptIn

SHOWN_EVERY = 5000
"""Advertisements between two looks at the progress bar."""


def sightings(recording: Recording, optins: Iterable[OptIn], store: str, console: Console) -> Iterator[Sighting]:
    """Return the opted-in shoppers' receptions, in the recording's order, with a progress bar on a terminal."""
    identities = Identities(store)
    members = [(optin.shopper, optin.identity) for optin in optins]
    second = math.nan
    with _bar(console) as bar:
        task = bar.add_task(recording.path.name, total=recording.bytes_total)
        for number, advertisement in enumerate(recording):
            if math.isnan(second):
                identities.load(members, advertisement.at_s)
            if math.floor(advertisement.at_s) != second:
                second = math.floor(advertisement.at_s)
                identities.tick(advertisement.at_s)
            if number % SHOWN_EVERY == 0:
                bar.update(task, completed=recording.bytes_read)
            beacon = beacon_id(advertisement.payload)
            shopper = identities.resolve(beacon) if beacon is not None else None
            if shopper is not None:
                heard = advertisement
                yield Sighting(heard.at_s, shopper, heard.scanner, heard.rssi_dbm, heard.measured)
        bar.update(task, completed=recording.bytes_total)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def faults(recording: Recording) -> Iterator[str]:
    """Return what was wrong with a recording that has been read, one line each."""
    if recording.truncated:
        yield f"{recording.path}: the compressed file ends too early; what came before was used"
    if recording.malformed:
        where = ", ".join(map(str, recording.malformed_lines))
        yield f"{recording.path}: {recording.malformed} malformed lines skipped (first: line {where})"
