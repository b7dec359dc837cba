"""How good is what it writes, and what did a variant cost of it?"""
