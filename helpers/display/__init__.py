"""What a reader sees: figures, drawings, sliders, the explorer, and what every notebook starts with.

Not here: measures. Only notebooks and tools import from this room.
"""
