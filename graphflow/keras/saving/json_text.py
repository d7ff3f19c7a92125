"""JSON that files and programs hand over."""
from __future__ import annotations

import json
from typing import Any

DEPTH = 250  # of nests; a model within ten others has less than a hundred


def parsed_json(text: str | bytes, what: str) -> Any:
    """What the JSON text says. Raises ValueError for another text, and for nests so deep that no model has them."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise _too_deep(what) from None
    except ValueError as error:
        raise ValueError(f"{what} is not JSON ({error}).") from None
    level = [found]
    for _ in range(DEPTH):
        level = [v for nest in level if isinstance(nest, (dict, list))
                 for v in (nest.values() if isinstance(nest, dict) else nest)]
        if not level:
            return found
    raise _too_deep(what)


def _too_deep(what: str) -> ValueError:
    return ValueError(f"{what} is nested more than {DEPTH} levels deep.")
