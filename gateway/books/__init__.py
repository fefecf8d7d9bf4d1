"""Rule books at work: a book's life, the live ones in memory, and what the shop says of itself."""
