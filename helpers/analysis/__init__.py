"""Observing a model at work and measuring what it does: attention, circuits, attribution, interventions, edits.

Not here: thresholds, verdicts, and the words of the paper's claims.
"""
