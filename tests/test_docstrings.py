"""Every public class, function and method is documented, itself or by what it overrides."""

import importlib
import inspect
import pkgutil

import pytest

import dlcourse

MODULES = [
    name for _, name, _ in pkgutil.walk_packages(dlcourse.__path__, "dlcourse.") if "._" not in name
]


def public_objects(module):
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            yield name, value
            for method, function in vars(value).items():
                if not method.startswith("_") and (
                    inspect.isfunction(function) or isinstance(function, property | classmethod)
                ):
                    yield f"{name}.{method}", getattr(value, method)


@pytest.mark.parametrize("name", MODULES)
def test_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    missing = [path for path, value in public_objects(module) if not inspect.getdoc(value)]
    assert not missing, f"{name} does not say what these are: {', '.join(missing)}"
