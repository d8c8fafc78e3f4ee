"""All thresholds of the series, each with its reason."""

from __future__ import annotations

# Nearly all: of what a layer's heads write, so that heads which carry it speak for the layer, and an idle one cannot
# speak against it; and of what knowing c brings (1 at the model's own error, 0 at that of the best rule blind to c), so
# that an ablation which leaves as much "barely hurts".
NEARLY_ALL = 0.9
# The implied c is as good as c, or as before, if it is no farther from it than this, a twentieth of the range from -1
# to 1.
SAME_C = 0.1
# A claim that something "is" a copy, a multiple of the identity, a comparison, needs that to explain more than half: of
# the variance (R2, the square of a correlation), of a matrix (the square of a cosine), of all attention, of all
# eigenvalues. One number for all of them, so that none can be chosen to please. A correlation or cosine explains half
# when its square does.
HALF = 0.5
HALF_R = HALF**0.5
# "Near zero" for a share of the answer: one twentieth.
NEAR_ZERO = 0.05
# The paper's alpha > 2: more of the previous vector than twice the present one.
ALPHA = 2.0
# "Low" effective rank: at most half of what random weights of the same shape have; "sparse": half as much again.
LOW_RANK, SPARSE = 0.5, 1.5
# A checkerboard: this much more attention on its black squares than even attention would put there.
CHECKERBOARD = 0.1
# Sequences with c beyond this alternate (below -0.7) or keep their direction (above 0.7) strongly enough to tell.
STRONG_C = 0.7
# The paper's test MSE.
PAPER_MSE = 1e-4
