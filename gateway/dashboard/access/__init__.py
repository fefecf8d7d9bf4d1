"""Who may come in: accounts with passwords, sessions, API tokens, and the first claim of a new box."""
