"""Sequences: families of recurrences, what solves them exactly, naive rules, a reader's own file.

Not here: torch, models, and anything that was learned.
"""
