"""Does config.json say what the weights, the tokenizer and the generation config say?"""
