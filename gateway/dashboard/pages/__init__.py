"""The pages, rendered by the server: whole at the first byte, live afterwards. One module per page."""
