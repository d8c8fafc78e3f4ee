"""Helpers of the notebook series on how a transformer learns affine recurrences, in five rooms.

Rooms import each other in one direction only, that of the data:

    data -> training -> analysis -> claims -> display

``places`` (where files lie) may be imported by all. Nothing heavy is imported here or by a room's ``__init__``; import
the file you need, e.g. ``from helpers.data import recurrences``.
"""
