"""The built-ins that are there for their attention: each has the style it is named for, and logits that tell."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures import builtin
from fixtures.checkpoint import traits

DIGESTS = {
    "tiny-sliding-window": "e0950daff14fea19",
    "tiny-alternating-window": "583b49e386494b3f",
    "tiny-mixture-of-experts": "463299622bd277c9",
    "tiny-encoder-decoder": "8839fcf565d18a1c",
    "tiny-state-space": "d2ec79eb70da9044",
}
"""Of model.safetensors: the draws are the same on every machine, with every version of the libraries."""
PROMPT = "One, two, three,"
NEW = 32


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Every one of them, built afresh."""
    root = tmp_path_factory.mktemp("fleet")
    directories = {name: root / name for name in DIGESTS}
    for name, directory in directories.items():
        directory.mkdir()
        builtin.FLEET[name].build(directory)
    return directories


def model_of(directory: Path) -> Any:
    import transformers

    architecture = traits.inspect(directory).architecture
    return getattr(transformers, str(architecture)).from_pretrained(directory, output_loading_info=True)


def prompt(directory: Path) -> dict[str, Any]:
    from transformers import AutoTokenizer

    return dict(AutoTokenizer.from_pretrained(directory)(PROMPT, return_tensors="pt"))


@pytest.mark.parametrize("name", DIGESTS)
def test_declared_traits_are_those_of_the_built_directory(name: str, built: Mapping[str, Path]) -> None:
    """Which checks apply is decided from the declaration."""
    assert replace(traits.inspect(built[name]), linear=0) == builtin.FLEET[name].traits
    assert not builtin.FLEET[name].in_fleet


@pytest.mark.parametrize("name", DIGESTS)
def test_the_weights_are_the_same_everywhere(name: str, built: Mapping[str, Path]) -> None:
    """A baseline of another machine can be compared with."""
    assert hashlib.sha256((built[name] / "model.safetensors").read_bytes()).hexdigest()[:16] == DIGESTS[name]


@pytest.mark.parametrize("name", DIGESTS)
def test_every_weight_finds_its_place(name: str, built: Mapping[str, Path]) -> None:
    """The names are those that the class reads."""
    _, report = model_of(built[name])
    assert not [key for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if report[key]]


@pytest.mark.parametrize("name", DIGESTS)
def test_greedy_text_is_not_degenerate(name: str, built: Mapping[str, Path]) -> None:
    """A text that repeats one token, or near-ties between tokens, would hide what the generation checks look for."""
    model, _ = model_of(built[name])
    options = {"do_sample": False, "max_new_tokens": NEW, "output_logits": True, "return_dict_in_generate": True}
    output = model.generate(**prompt(built[name]), **options)
    assert len({*output.sequences[0, -NEW:].tolist()}) >= NEW // 4
    best = [logits[0].float().topk(2).values for logits in output.logits]
    assert min(float(first - second) for first, second in best) > 1e-5
