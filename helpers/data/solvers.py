"""Ways to continue contexts, written so that torch can differentiate them: what a model's weights are held beside.

Each takes vectors [batch, n, dimension], n at least 3, and returns the guesses for the next. All but the copy and
``bayes_of_vectors`` have the form v_n + c^ * (v_n - v_{n-1}); they differ in the estimate c^ of c, which is not a
number where vectors do not move.

Two are posterior means. On exact sequences c is solved for from the third vector on, and every posterior mean is that
solution. Off them it depends on what is presumed of the noise, of which the training distribution has none: either
every step, or every vector, carries independent Gaussian noise of a stated size.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.data.recurrences import Family

Contexts = Float[Tensor, "batch n dimension"]
Next = Float[Tensor, "batch dimension"]
Rule = Callable[[Contexts], Next]
RIDGE = 0.1  # of the largest difference's square: what ridge regression adds to the sum of squares
GRID = 8001  # values of c: finer than a posterior is wide, whose middle would else snap from one to the next


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


def _grid(family: Family, like: Tensor) -> Float[Tensor, " grid"]:
    return torch.linspace(family.c_min, family.c_max, GRID, dtype=like.dtype)


def _check(noise: float) -> None:
    if not noise > 0:
        raise ValueError(f"noise must be a standard deviation above 0, got {noise}")


def bayes_of_steps(vectors: Contexts, family: Family, noise: float) -> Next:
    """c by its posterior mean if c is uniform in the family's range and every step x_{k+1} = c x_k + e.

    The weights on the grid of c are exp(-sum |x_{k+1} - c x_k|^2 / (2 noise^2)).

    Args:
        noise: the standard deviation of e's entries, in the vectors' units.
    Raises:
        ValueError: ``noise`` is not above 0.
    """
    _check(noise)
    products, squares = _sums(vectors)
    c = _grid(family, vectors)
    likelihood = (c * products.sum(dim=1)[:, None] - c.square() * squares.sum(dim=1)[:, None] / 2) / noise**2
    return _follow(vectors, likelihood.softmax(dim=1) @ c)


def bayes_of_vectors(vectors: Contexts, family: Family, noise: float, unit: float = 1) -> Next:
    """The posterior mean of the next vector if sequences are drawn as in training and noise lies on every vector.

    c is uniform in the family's range and the entries of v_0 and d are normal; given c the vectors are then a Gaussian
    process, the same for each dimension, with v_j = c^j v_0 + (1 + c + ... + c^(j-1)) d plus noise (Rasmussen &
    Williams 2006, equations 2.25 and 2.30). The next is what the process expects, averaged over c by how well each c
    explains the vectors. That a scaled sequence has a largest entry of 1 is left out, but for ``unit``.

    Args:
        noise: the standard deviation of the noise on every entry, in the vectors' units.
        unit: that of the entries of v_0 and d, in the same units; 1 where sequences are not scaled.
    Raises:
        ValueError: ``noise`` is not above 0.
    """
    _check(noise)
    n, dimension = vectors.shape[1:]
    c = _grid(family, vectors)
    of_start = torch.stack([c**j for j in range(n + 1)], dim=1)
    of_d = torch.cat([torch.zeros_like(of_start[:, :1]), of_start[:, :-1].cumsum(dim=1)], dim=1)
    both = torch.stack([of_start, of_d], dim=2) * unit
    kernel = both @ both.mT
    seen = kernel[:, :-1, :-1] + noise**2 * torch.eye(n, dtype=vectors.dtype)
    misfit = torch.einsum("gij,bij->bg", torch.linalg.inv(seen), vectors @ vectors.mT)
    chances = (-(dimension * torch.logdet(seen) + misfit) / 2).softmax(dim=1)
    weights = torch.linalg.solve(seen, kernel[:, :-1, -1])
    return torch.einsum("bg,gn,bnd->bd", chances, weights, vectors)


RULES: dict[str, Rule] = {
    "last pair": last_pair,
    "least squares, all pairs": least_squares,
    "ridge": ridge,
    "one gradient step": partial(gradient_steps, steps=1),
    "three gradient steps": partial(gradient_steps, steps=3),
    "copy last but one": copy_last_but_one,
}
