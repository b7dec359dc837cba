"""Standard tasks, by EleutherAI's lm-eval."""
