"""Two ways to compute the same thing give the same."""
