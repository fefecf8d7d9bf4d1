"""The way to the store app's backend: a courier out, an inbox in, and a broker of our own for the demo."""
