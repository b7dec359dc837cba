"""What a variant costs: time, memory, energy."""
