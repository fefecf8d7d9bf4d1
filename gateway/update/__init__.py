"""From one version of this program to the next, and back again by itself when the next one isn't well."""
