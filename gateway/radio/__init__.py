"""Hearing: what is on the air, by this box's own adapters and by other scanners, and how well."""
