"""One run: observing checks, and writing their records."""
