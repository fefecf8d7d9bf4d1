"""A shopper's phone on the screen: the offer arrives, and a person taps, dismisses and redeems it. For the demo only."""

from firmware_sim.phone.app import create_phone
from firmware_sim.phone.serving import serving

__all__ = ["create_phone", "serving"]
