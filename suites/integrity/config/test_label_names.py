from __future__ import annotations

import re
from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard

PLACEHOLDER = re.compile(r"LABEL_\d+")


@needs("labels")
@uses("task")
def test_label_names(config: dict[str, Any]) -> None:
    """Every label of the model's head has a name, and `id2label` and `label2id` agree.

    Why: pipelines answer with these names. `LABEL_1` means nothing to users, and maps that disagree swap the answers.
    Fix: set both maps in config.json to the names that the head was trained with.
    Source: https://github.com/huggingface/transformers/issues/3093
    """
    names, inverse = _numbered(config.get("id2label") or {}), _inverse(config.get("label2id") or {})
    if sorted(names) != list(range(len(names))):
        gap = next(index for index in range(len(names)) if index not in names)
        named = ", ".join(map(str, sorted(names)[:8]))
        raise Defect(
            f"id2label has no name for output {gap}: its {len(names)} names are for the outputs {named}.",
            evidence={"id2label": config["id2label"]},
        )
    swapped = {name: (index, inverse[name]) for index, name in names.items() if inverse.get(name, index) != index}
    if swapped:
        name, (forward, backward) = next(iter(swapped.items()))
        raise Defect(
            f"id2label gives '{name}' the id {forward}, but label2id gives it the id {backward}.",
            evidence={"id2label": names, "label2id": inverse},
        )
    is_score = len(names) == 1 or (not names and config.get("num_labels") == 1)  # a single output needs no name
    if not is_score and all(PLACEHOLDER.fullmatch(name) for name in names.values()):
        labels = f"only placeholder labels ({', '.join(list(names.values())[:3])})" if names else "no id2label"
        raise Hazard(f"config.json has {labels}: pipelines answer LABEL_0, LABEL_1 ... instead of names.")


def _numbered(names: dict[str, Any]) -> dict[int, str]:
    """Returns the names by index; raises Defect for a key that is not a number."""
    __tracebackhide__ = True
    invalid = next((index for index in names if not index.lstrip("-").isdigit()), None)
    if invalid is not None:
        raise Defect(
            f"id2label has the key '{invalid}', which is not the number of an output.", evidence={"id2label": names}
        )
    return {int(index): str(name) for index, name in names.items()}


def _inverse(indices: dict[str, Any]) -> dict[str, int]:
    return {str(name): int(index) for name, index in indices.items() if str(index).lstrip("-").isdigit()}
