"""Remote scanners: what other scanners and the store app report by MQTT, one small table entry per format."""

from gateway.radio.remote.formats import FORMATS
from gateway.radio.remote.readings import MessageReadings, PhoneReading
from gateway.radio.remote.refusals import UnknownScanner
from gateway.radio.remote.scanners import RemoteScanners

__all__ = ["FORMATS", "MessageReadings", "PhoneReading", "RemoteScanners", "UnknownScanner"]
