"""The op set. Each module declares one family; those that few programs use are imported with what uses them."""
from ..opdef import LATE
from . import operators as operators  # which give tensors their arithmetic


def _declare_rest() -> None:
    import importlib
    import pkgutil

    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)


LATE.append(_declare_rest)
