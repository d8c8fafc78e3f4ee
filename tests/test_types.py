"""What annotations promise: they can be read, arrays have shapes in them, and a call that breaks one is noticed."""

import ast
import importlib
import inspect
import pkgutil
import typing
from functools import cached_property
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

import helpers
from helpers.data import predictors, recurrences

MODULES = sorted(info.name for info in pkgutil.walk_packages(helpers.__path__, "helpers."))


def for_checkers(module):
    """The names that a module imports under TYPE_CHECKING alone, because they are slow to import."""
    names = {}
    for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), module.__file__, "exec"), names)
    return names


def hinted(name):
    """Functions, methods, properties and classes of a module: what of each should have a hint, and the hints."""
    module = importlib.import_module(name)
    named = for_checkers(module)
    places = {f"{name}.{key}": value for key, value in vars(module).items() if inspect.isclass(value)}
    for place, owner in {name: module, **{k: v for k, v in places.items() if v.__module__ == name}}.items():
        if inspect.isclass(owner):
            hints, fields = typing.get_type_hints(owner, localns=named), inspect.get_annotations(owner)
            yield place, set(fields), {field: hints[field] for field in fields}
        for key, value in vars(owner).items():
            within = {property: "fget", cached_property: "func"}.get(type(value), "")
            function = inspect.unwrap(getattr(value, within, value))
            if inspect.isfunction(function) and function.__module__ == name:
                asked = {*inspect.signature(function).parameters, "return"} - {"self", "cls"}
                yield f"{place}.{key}", asked, typing.get_type_hints(function, localns=named)


def without_shape(hint):
    """Whether there is a bare Tensor or ndarray in a hint."""
    if isinstance(hint, list):  # the arguments of a Callable
        return any(map(without_shape, hint))
    return hint in (torch.Tensor, np.ndarray) or any(map(without_shape, typing.get_args(hint)))


@pytest.mark.parametrize("name", MODULES)
def test_hints_can_be_read_and_arrays_have_shapes(name):
    for place, asked, hints in hinted(name):
        if "._" not in place:
            assert asked <= set(hints), f"{place}: no annotation for {asked - set(hints)}"
            assert not any(map(without_shape, hints.values())), f"{place}: an array without a shape in {hints}"


def test_a_wrong_shape_is_noticed():
    vectors = np.zeros((2, 5, 3))
    predictors.zero(vectors)
    with pytest.raises(jaxtyping.TypeCheckError, match="parameter 'vectors'"):
        predictors.zero(vectors[0])
    with pytest.raises(jaxtyping.TypeCheckError, match="parameter 'd'"):  # a batch of 2 and one of 4
        recurrences.unroll(np.zeros((2, 3)), np.zeros(2), np.zeros((4, 3)), 5)
    with pytest.raises(jaxtyping.TypeCheckError, match="parameter 'c'"):  # whole numbers
        recurrences.unroll(np.zeros((2, 3)), np.zeros(2, dtype=int), np.zeros((2, 3)), 5)
