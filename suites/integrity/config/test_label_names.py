from __future__ import annotations

import re
from typing import Any

from suites.findings import Defect, Hazard

PLACEHOLDER = re.compile(r"LABEL_\d+")


def test_label_names(config: dict[str, Any], labels: None) -> None:
    """The labels have names, and `id2label` and `label2id` say the same.

    Why: pipelines answer with these names; `LABEL_1` says nothing, and maps that disagree swap the answers for users
    of one of them.
    Fix: set both maps in config.json to the names that the head was trained with.
    Source: https://github.com/huggingface/transformers/issues/3093
    """
    names = {int(index): str(name) for index, name in (config.get("id2label") or {}).items()}
    inverse = {str(name): int(index) for name, index in (config.get("label2id") or {}).items()}
    swapped = {name: (index, inverse[name]) for index, name in names.items() if inverse.get(name, index) != index}
    if swapped:
        name, (forward, backward) = next(iter(swapped.items()))
        raise Defect(
            f"id2label gives '{name}' the id {forward}, label2id gives it {backward}.",
            evidence={"id2label": names, "label2id": inverse},
        )
    if not names or all(PLACEHOLDER.fullmatch(name) for name in names.values()):
        shown = f"only placeholders ({', '.join(list(names.values())[:3])})" if names else "no id2label"
        raise Hazard(f"config.json has {shown}: pipelines answer LABEL_0, LABEL_1 ... instead of names.")
