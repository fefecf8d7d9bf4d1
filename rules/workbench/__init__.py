"""What surrounds a decision: explanations, cases, replay, records, and a book's life."""
