"""Parts of config.json: the model's own settings, and those of the models inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def sections(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the path of each part (empty for the whole config), and the part."""
    yield "", config
    for key, value in config.items():
        if isinstance(value, dict) and (key.endswith("_config") or key in ("encoder", "decoder")):
            yield key, value


def section_of(whole: Any, part: Any, file: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the part of the file that a loaded config object was created from, or None.

    Args:
        whole: the model's config.
        part: the config of one of its modules.
        file: config.json.
    """
    if part is whole:
        return file
    for key, value in vars(whole).items():
        if value is part:
            found = file.get(key)
            return found if isinstance(found, dict) else {}
    return None
