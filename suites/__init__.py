"""What is promised: one folder per suite, one test module per promise."""
