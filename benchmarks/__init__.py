"""Performance, measured by hand: each script prints figures with their conditions; no test asserts them."""
