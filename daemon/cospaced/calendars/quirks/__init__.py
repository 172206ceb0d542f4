"""What producers of calendars get wrong, or do their own way: one fault to a file.

Each says who does it and what is made of it; the tests hold a sample.
"""
