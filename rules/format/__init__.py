"""What a rule book is written in: documents, conditions, fields, values. Knows nothing of deciding."""
