"""Performance, measured by hand: each script prints figures with their conditions; nothing here is asserted in tests."""
