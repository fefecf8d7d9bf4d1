"""Etalage: the in-store gateway between beacons on the air and offers in the store app."""

__version__ = "0.1.0"
