"""From measures to verdicts: which measure answers which claim, thresholds with their reasons, stored results.

Not here: how a measure is computed, and how a result is drawn.
"""
