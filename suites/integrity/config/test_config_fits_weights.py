from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.integrity.config_sizes import (
    HEADS,
    HIDDEN,
    INNER,
    KEY_VALUE_HEADS,
    LAYERS,
    POSITIONS,
    VOCABULARY,
    head_size,
    number,
)
from suites.integrity.tensor_names import HEADS as CLASSIFIERS
from suites.integrity.tensor_names import INPUT, OUTPUTS, layers_by_stack

QUERY_WEIGHT = re.compile(r"(q_proj|\.query|q_lin)\.(weight|bias)$")
KEY_OR_VALUE = re.compile(r"[kv]_proj\.")
KEY_WEIGHT = re.compile(r"(k_proj|v_proj|\.key|\.value|k_lin|v_lin)\.(weight|bias)$")
UP_WEIGHT = re.compile(r"(up_proj|gate_proj|intermediate\.dense|fc1|lin1|wi|wi_0|wi_1)\.(weight|bias)$")
NOT_TOKENS = re.compile(r"(position|token_type|segment)\w*\.weight$")
"""Embeddings that are not of tokens."""
POSITION_TABLE = re.compile(r"(position_embeddings?|embed_positions|wpe)\.weight$")


@uses("loading")
def test_config_fits_weights(
    config: dict[str, Any], weight_statistics: dict[str, TensorStatistics], loaded: Loaded
) -> None:
    """The numbers of heads, layers, dimensions, positions and tokens in `config.json` match the stored weights.

    Why: a wrong number creates parameters of another shape, which are randomly initialised, or leaves out layers.
    Fix: set the key that the finding names to the value that the weights have.
    Source: https://huggingface.co/docs/transformers/main_classes/configuration (common attributes)
    """
    section = text_part(config)
    wrong = {str(entry[0]) for entry in loaded.report["mismatched_keys"]}
    for name in sorted(wrong & set(weight_statistics)):
        for key, value, actual in _mismatches(section, weight_statistics[name]):
            other = _alternative(section, key, weight_statistics, name)
            raise Defect(
                f"config.json has {key} = {value}, but the weights have {actual}{other}: {name} has the shape "
                f"{list(weight_statistics[name].tensor.shape)}.",
                evidence={
                    "key": key,
                    "config": value,
                    "weights": actual,
                    "tensors of another shape": sorted(wrong)[:20],
                },
            )
    _must_have_layers(section, weight_statistics, loaded)


def _mismatches(config: Mapping[str, Any], stored: TensorStatistics) -> Iterator[tuple[str, int, int]]:
    """Yields keys of the config with their value and the number that this tensor's shape implies, if they differ."""
    name, shape = stored.tensor.name, stored.tensor.shape
    rows, columns = shape[0] if shape else 1, shape[-1] if len(shape) > 1 else None
    size, words = head_size(config), name.endswith((*INPUT, *OUTPUTS)) and not NOT_TOKENS.search(name)
    wanted: list[tuple[tuple[str, ...], int | None]] = [
        (VOCABULARY, rows if words else None),
        (HIDDEN, columns if words and not config.get("embedding_size") else None),
        (POSITIONS, rows if POSITION_TABLE.search(name) else None),
        (INNER, rows if UP_WEIGHT.search(name) else None),
        (HEADS, rows // size if size and QUERY_WEIGHT.search(name) else None),
        (KEY_VALUE_HEADS, rows // size if size and KEY_WEIGHT.search(name) else None),
    ]
    for keys, has in wanted:
        declared = number(config, keys)
        if declared and has and declared[1] != has:
            yield (*declared, has)
    labels = len(config.get("id2label") or {}) or 2  # the library's default
    if name.endswith(CLASSIFIERS) and rows != labels:
        yield "id2label" if config.get("id2label") else "num_labels", labels, rows


def _alternative(config: Mapping[str, Any], key: str, stored: Mapping[str, TensorStatistics], name: str) -> str:
    """The other reading of a key projection's shape: as many heads as declared, of another size; else empty."""
    queries = stored.get(KEY_OR_VALUE.sub("q_proj.", name))
    heads = number(config, KEY_VALUE_HEADS)
    if key not in KEY_VALUE_HEADS or queries is None or heads is None or not config.get("head_dim"):
        return ""
    size, rest = divmod(stored[name].tensor.shape[0], heads[1])
    count, left = divmod(queries.tensor.shape[0], max(1, size))
    if rest or left or size == config["head_dim"]:
        return ""
    return f" (or {number(config, HEADS)[0]} = {count} and head_dim = {size} are correct)"  # type: ignore[index]


def _must_have_layers(config: Mapping[str, Any], stored: dict[str, TensorStatistics], loaded: Loaded) -> None:
    """Raises Defect if config and weights differ in the number of layers; extra multi-token prediction is fine."""
    __tracebackhide__ = True
    declared = number(config, LAYERS)
    if declared is None:
        return
    key, count = declared
    extra = count + int(config.get("num_nextn_predict_layers") or 0)
    for stack, numbers in layers_by_stack(map(str, loaded.report["unexpected_keys"])).items():
        beyond = {each for each in numbers if each >= extra}
        if beyond and len(layers_by_stack(stored).get(stack, ())) == max(beyond) + 1:
            raise Defect(
                f"config.json has {key} = {count}, but the weights have {max(beyond) + 1} layers ({stack}): "
                "the last ones are not used.",
                evidence={"key": key, "layers": sorted(beyond)},
            )
    missing = [] if loaded.report["unexpected_keys"] else loaded.report["missing_keys"]  # else: stored by another name
    for stack, numbers in layers_by_stack(map(str, missing)).items():
        first = min(numbers)
        held = max((len(each) for each in layers_by_stack(stored).values()), default=0)
        if numbers == set(range(first, count)) and held == first and first:
            raise Defect(
                f"config.json has {key} = {count}, but the weights have {first} layers ({stack}): the others "
                "are randomly initialised.",
                evidence={"key": key, "layers": sorted(numbers)},
            )
