"""Checks that tokenizer, template and weights belong together."""
