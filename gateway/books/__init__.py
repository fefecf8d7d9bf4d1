"""Live rule books: a book's life, the live ones in memory, and what the shop says of itself."""
