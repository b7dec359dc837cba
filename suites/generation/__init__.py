"""Does it generate right?"""
