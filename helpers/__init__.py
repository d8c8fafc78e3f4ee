"""Helpers of the notebook series on how a transformer learns affine recurrences.

Files import each other in one direction only:

    recurrences, predictors -> model -> training -> checkpoints -> observation
        -> circuits, interventions -> claims, figures -> notebook

Nothing heavy is imported here; import the file you need, e.g. ``from helpers import recurrences``.
"""
