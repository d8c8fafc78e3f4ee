"""Helpers of the notebook series on how a transformer learns affine recurrences.

Files import each other in one direction only:

    recurrences, predictors -> model -> recipes -> checkpoints -> run -> training, observation
        -> attention, circuits -> attribution, interventions -> copying -> claims, figures -> notebook -> front

Nothing heavy is imported here; import the file you need, e.g. ``from helpers import recurrences``.
"""
