"""TLS on the shop's own network: a small certificate authority that the box makes for itself."""
