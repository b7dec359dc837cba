"""Are the results numbers, whatever the dtype, the length and the padding?"""
