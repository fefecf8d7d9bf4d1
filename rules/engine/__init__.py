"""The decision: gates, ranking, test groups, and what is promised. Pure and fast."""
