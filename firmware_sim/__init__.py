"""The simulated world that drives the real gateway."""
