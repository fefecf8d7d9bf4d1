"""The way to the store app's backend: a courier out, an inbox in."""
