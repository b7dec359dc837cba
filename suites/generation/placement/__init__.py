"""Does it matter where the model lies, and how often it is called?"""
