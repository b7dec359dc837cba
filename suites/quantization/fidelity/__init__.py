"""What a variant says, against what the full model says, on the same tokens."""
