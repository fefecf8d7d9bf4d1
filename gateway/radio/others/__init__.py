"""Ears elsewhere: what other scanners and the store app report by MQTT, one small table entry per format."""

from gateway.radio.others.ears import OtherEars, PhoneReading, Readings
from gateway.radio.others.formats import FORMATS

__all__ = ["FORMATS", "OtherEars", "PhoneReading", "Readings"]
