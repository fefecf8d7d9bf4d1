"""The database and its one door: everything SQL is in this room."""

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, IntegrityError

from gateway.storage.engines import StorageError
from gateway.storage.reader import Reader, TooLate
from gateway.storage.store import Store, open_store, prepare_store
from gateway.storage.transaction import Transaction
from gateway.storage.waiting import NotInTime
from gateway.storage.writer import Writer, WriterClosed

__all__ = [
    "Connection",
    "DatabaseError",
    "IntegrityError",
    "NotInTime",
    "Reader",
    "StorageError",
    "Store",
    "TooLate",
    "Transaction",
    "Writer",
    "WriterClosed",
    "open_store",
    "prepare_store",
]
