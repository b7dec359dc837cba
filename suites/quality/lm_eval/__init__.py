"""Standard benchmarks, run by EleutherAI's lm-eval."""
