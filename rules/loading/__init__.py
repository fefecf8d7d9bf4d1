"""From a text to a book: read, check, compile; every fault at once."""
