"""Ways to continue contexts, written so that torch can differentiate them: what a model's weights are held beside.

Each takes vectors [batch, n, dimension], n at least 3, and returns the guesses for the next. All but the copy have the
form v_n + c^ * (v_n - v_{n-1}); they differ in the estimate c^ of c, which is not a number where vectors do not move.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from jaxtyping import Float
from torch import Tensor

Contexts = Float[Tensor, "batch n dimension"]
Next = Float[Tensor, "batch dimension"]
Rule = Callable[[Contexts], Next]
RIDGE = 0.1  # of the largest difference's square: what ridge regression adds to the sum of squares


def _sums(vectors: Contexts) -> tuple[Float[Tensor, "batch pairs"], Float[Tensor, "batch pairs"]]:
    """<x_{k+1}, x_k> and <x_k, x_k> for each pair of neighbouring differences x."""
    x = vectors.diff(dim=1)
    return (x[:, 1:] * x[:, :-1]).sum(dim=2), x[:, :-1].square().sum(dim=2)


def _follow(vectors: Contexts, c: Float[Tensor, " batch"]) -> Next:
    return vectors[:, -1] + c[:, None] * (vectors[:, -1] - vectors[:, -2])


def last_pair(vectors: Contexts) -> Next:
    """c from the last two differences alone."""
    products, squares = _sums(vectors)
    return _follow(vectors, products[:, -1] / squares[:, -1])


def least_squares(vectors: Contexts) -> Next:
    """c by least squares over all pairs of differences; one Newton step from anywhere gives the same."""
    products, squares = _sums(vectors)
    return _follow(vectors, products.sum(dim=1) / squares.sum(dim=1))


def ridge(vectors: Contexts) -> Next:
    """Least squares, drawn towards c = 0 by ``RIDGE`` times the largest square."""
    products, squares = _sums(vectors)
    return _follow(vectors, products.sum(dim=1) / (squares.sum(dim=1) + RIDGE * squares.amax(dim=1)))


def gradient_steps(vectors: Contexts, steps: int) -> Next:
    """c by so many steps of gradient descent from 0, each half as long as a Newton step."""
    products, squares = _sums(vectors)
    return _follow(vectors, (1 - 0.5**steps) * products.sum(dim=1) / squares.sum(dim=1))


def copy_last_but_one(vectors: Contexts) -> Next:
    """The vector before the last."""
    return vectors[:, -2]


RULES: dict[str, Rule] = {
    "last pair": last_pair,
    "least squares, all pairs": least_squares,
    "ridge": ridge,
    "one gradient step": partial(gradient_steps, steps=1),
    "three gradient steps": partial(gradient_steps, steps=3),
    "copy last but one": copy_last_but_one,
}
