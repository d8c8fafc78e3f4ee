"""Getting a trained model: its configuration, recipes, the loop, checkpoints, and an evaluator that shares no code.

Not here: anything that looks inside a trained model.
"""
