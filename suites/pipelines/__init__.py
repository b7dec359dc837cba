"""Does every pipeline task of the subject keep its contract?"""
