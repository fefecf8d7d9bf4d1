"""Recordings: what scanners heard, one advertisement a line (`.jsonl`, `.jsonl.gz`), in the order of the file.

    {"t":1567783106.707,"scanner":"sensor22","address":"C0:00:00:00:00:01","rssi":-78,"mfr":{"004c":"0215e2c5…c5"}}

Beside `rssi`, or in its place, a line may have `distance_m` with `distance_sd_m`, and `bearing_deg` with `bearing_sd_deg`: measured
from the scanner, 0° along the plan's x axis, counter-clockwise.

A line that can't be read is counted and skipped; a file that can't be opened is an error. Company ids other than 004c
are kept out: nothing in the product reads them. A company id may be written 4C or 0x004C too, a time as ISO 8601 or in
milliseconds. Captures of Bluetooth traffic are read as well (captures.py); the file's name up to its first dot is then the
scanner's id.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from gateway.model import RSSI_MISSING_DBM, Advertisement, Measurement, Quantity
from gateway.private_files import SHARED, open_to_write
from gateway.radio.captures import MAGIC_BYTES, CaptureError, is_capture, read_capture
from gateway.radio.frames import APPLE_COMPANY_ID, RSSI_RANGE_DBM
from gateway.radio.remote.values import MILLISECONDS_FROM, time_of

LINE_MAX_CHARS = 4096
"""An advertisement has at most 1650 bytes of data (extended advertising chains): 3300 hex digits and the rest. Longer
is not ours."""
SD_NAMES = {Quantity.DISTANCE: "distance_sd_m", Quantity.BEARING: "bearing_sd_deg"}
"""Each quantity's standard deviation as a recording names it."""
MALFORMED_SHOWN = 5
"""Line numbers of the first faults kept for the report."""

_APPLE = f"{APPLE_COMPANY_ID:04x}"
_GZIP_MAGIC = b"\x1f\x8b"


class RecordingError(Exception):
    """A recording can't be opened; `str()` is one line: where, what, and what to do."""


class Recording:
    """One recording file, read once from start to end: `for advertisement in recording`.

    `bytes_read` of `bytes_total` (of the file on disk, compressed or not) is the progress; `malformed` counts skipped lines
    (of a capture: packets) and `malformed_lines` has the numbers of the first few. `truncated` is True when a compressed file
    or a capture ended too early.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.advertisements = 0
        self.malformed = 0
        self.malformed_lines: list[int] = []
        self.truncated = False
        try:
            self._file = path.open("rb")
            self.bytes_total = path.stat().st_size
        except OSError as error:
            raise RecordingError(f"{path}: can't be read ({error.strerror}); give the path of a recording") from error

    @property
    def bytes_read(self) -> int:
        """Return how far the reader is in the file on disk, in bytes."""
        return self.bytes_total if self._file.closed else self._file.tell()

    def __iter__(self) -> Iterator[Advertisement]:
        with self._file:
            number = 0
            try:
                for number, advertisement in self._parts():
                    if advertisement is not None:
                        self.advertisements += 1
                        yield advertisement
                    else:
                        self._skip(number)
            except (EOFError, OSError, zlib.error):
                self.truncated = True
                self._skip(number + 1)
            except CaptureError as error:
                raise RecordingError(f"{self.path}: {error}") from error

    def _parts(self) -> Iterator[tuple[int, Advertisement | None]]:
        """Yield the number of each line or packet and what it says; None: it can't be read."""
        packed = self._file.peek(2)[:2] == _GZIP_MAGIC
        raw: Any = gzip.GzipFile(fileobj=self._file) if packed else self._file
        if is_capture(raw.peek(MAGIC_BYTES)[:MAGIC_BYTES]):
            yield from enumerate(read_capture(raw, self.path.name.split(".")[0]), start=1)
            return
        for number, line in enumerate(io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace"), start=1):
            if line.strip():
                yield number, _advertisement(line)

    def _skip(self, number: int) -> None:
        self.malformed += 1
        if len(self.malformed_lines) < MALFORMED_SHOWN:
            self.malformed_lines.append(number)


def read_recording(path: Path) -> Recording:
    """Open a recording; iterate over the result. Raises RecordingError when the file can't be opened."""
    return Recording(path)


def _advertisement(line: str) -> Advertisement | None:
    """Return the advertisement in one line, or None when the line isn't one."""
    if len(line) > LINE_MAX_CHARS:
        return None
    try:
        row = json.loads(line)
        at_s, measured = row["t"], _measured(row)
        rssi_dbm = row.get("rssi", RSSI_MISSING_DBM) if measured else row["rssi"]
        if type(at_s) is not float or at_s >= MILLISECONDS_FROM:
            at_s = time_of(at_s)
        payload = bytes.fromhex(row["mfr"].get(_APPLE) or _apple_by_another_name(row["mfr"]))
        scanner, address = row["scanner"], row.get("address", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if at_s is None or not abs(at_s) < MILLISECONDS_FROM or type(rssi_dbm) is not int:
        return None
    if rssi_dbm not in RSSI_RANGE_DBM and not (measured and rssi_dbm == RSSI_MISSING_DBM):
        return None
    if not isinstance(scanner, str) or not scanner or not isinstance(address, str):
        return None
    return Advertisement(at_s, scanner, address, rssi_dbm, payload, measured)


def _measured(row: dict[str, Any]) -> tuple[Measurement, ...]:
    """Read a line's distance and bearing. Raises ValueError, KeyError or TypeError where one can't be."""
    found = []
    for quantity, sd_name in SD_NAMES.items():
        if quantity in row:
            one = Measurement(quantity, float(row[quantity]), float(row[sd_name]))
            if not one.can_be():
                raise ValueError(f"impossible {quantity}")
            found.append(one)
    return tuple(found)


def _apple_by_another_name(data: dict[str, str]) -> str:
    """Return Apple's data where its company id is written otherwise; nothing where there is none."""
    return next((value for key, value in data.items() if key.lower().removeprefix("0x").zfill(4) == _APPLE), "")


class RecordingWriter:
    """Writes a recording; a name that ends in `.gz` is compressed. Use as a context manager.

    The radio address is left out unless `with_addresses`: it is a person's, and no reader of a recording needs it.
    """

    def __init__(self, path: Path, *, with_addresses: bool = False) -> None:
        self.path = path
        self.written = 0
        self._with_addresses = with_addresses
        try:
            self._raw = open_to_write(path, SHARED, new=True)
            packed = gzip.open(self._raw, "wb") if path.suffix == ".gz" else self._raw  # noqa: SIM115 - closed in __exit__
            self._file = io.TextIOWrapper(packed, encoding="utf-8")
        except OSError as error:
            raise RecordingError(f"{path}: can't be written ({error.strerror}); give a new file in an existing folder") from error

    def write(self, advertisement: Advertisement) -> None:
        """Write one line."""
        row = {
            "t": round(advertisement.at_s, 3),
            "scanner": advertisement.scanner,
            "address": advertisement.address if self._with_addresses else "",
            **({} if advertisement.rssi_dbm == RSSI_MISSING_DBM else {"rssi": advertisement.rssi_dbm}),
            "mfr": {_APPLE: advertisement.payload.hex()} if advertisement.payload else {},
        }
        for quantity, value, sd in advertisement.measured:
            row |= {str(quantity): round(value, 3), SD_NAMES[quantity]: round(sd, 3)}
        self._file.write(json.dumps(row, separators=(",", ":")) + "\n")
        self.written += 1

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        self._raw.close()
