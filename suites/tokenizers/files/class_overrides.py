"""Components of `tokenizer.json` that a tokenizer class replaces."""

from __future__ import annotations

from typing import Any

from suites.tokenizers.tokenization_pipeline import component_state, component_types

COMPONENTS = ("normalizer", "pre_tokenizer", "decoder", "post_processor")
ENCODING = ("normalizer", "pre_tokenizer")


def overridden_components(tokenizer: Any, raw: Any) -> dict[str, dict[str, Any]]:
    """The components that differ, as the file has them and as loaded."""
    loaded = tokenizer.backend_tokenizer
    pairs = {name: (component_state(getattr(raw, name)), component_state(getattr(loaded, name))) for name in COMPONENTS}
    return {name: {"file": file, "loaded": now} for name, (file, now) in pairs.items() if file != now}


def override_clause(tokenizer: Any, raw: Any, among: tuple[str, ...] = ENCODING, *, other: str = "the file") -> str:
    """A clause that names the replaced components, empty for none; `other` is the clause's word for `raw`."""
    changed = [name for name in overridden_components(tokenizer, raw) if name in among]
    loaded = tokenizer.backend_tokenizer
    return "; ".join(clause(name, getattr(loaded, name), getattr(raw, name), other) for name in changed)


def clause(name: str, loaded: Any, file: Any, other: str) -> str:
    """A clause about a component with other parts, or with the same parts and other settings."""
    now, then = component_label(loaded), component_label(file)
    if now != then:
        return f"its {name} is {now}, that of {other} is {then}"
    ours, theirs = settings(component_state(loaded)), settings(component_state(file))
    differing = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    changes = [f"{key} {str(ours.get(key))[:40]} instead of {str(theirs.get(key))[:40]}" for key in differing[:4]]
    return f"its {name} ({now}) has {', '.join(changes) or 'another order'}"


def settings(node: Any, prefix: str = "") -> dict[str, Any]:
    """Settings of a component by path."""
    if not isinstance(node, (dict, list)):
        return {prefix: node}
    items = node.items() if isinstance(node, dict) else enumerate(node)
    inner = (settings(value, f"{prefix}.{key}" if prefix else str(key)) for key, value in items)
    return {path: leaf for leaves in inner for path, leaf in leaves.items()}


def component_label(component: Any) -> str:
    return " + ".join(sorted(component_types(component) - {"Sequence"})) or "nothing"
