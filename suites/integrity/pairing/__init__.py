"""Do tokenizer, template and weights belong together?"""
