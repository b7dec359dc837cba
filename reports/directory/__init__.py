"""The report directory: written, read, merged, compared."""
