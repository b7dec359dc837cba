"""Checks of config.json against the weights, the tokenizer and the generation config."""
