from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import NotApplicable, Record
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import must_match


@uses("training")
def test_embeddings_equal_ids(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record) -> None:
    """The model computes the same logits from `inputs_embeds` as from the corresponding `input_ids`.

    Why: multimodal models, soft prompts and attribution methods pass embeddings. A scale or position that is applied to
        one kind of input only changes their results.
    Fix: apply everything after the embedding look-up to both kinds of input.
    Source: https://huggingface.co/docs/transformers/main_classes/model (`get_input_embeddings`)
    """
    takes = generate.takes(generator, "inputs_embeds")
    record.capability("generation.inputs_embeds", "supported" if takes else "not supported")
    if not takes:
        raise NotApplicable(f"{type(generator).__name__} takes no inputs_embeds")
    reference = reference_runs(subject, tokenizer, loaded)
    if table := _second_table(reference):
        raise NotApplicable(f"ids are also looked up in {table}, so that embeddings alone are no full input, by design")
    expected = reference.whole
    with generate.refusals("A forward pass with inputs_embeds"):
        actual = generate.logits(generator, _embedded(reference))[0]
    what = "The logits from inputs_embeds differ from those from the same input_ids"
    must_match(expected, actual, reference.tolerance, what)


def _embedded(reference: ReferenceRuns) -> dict[str, Any]:
    """The text with embeddings instead of ids (of the encoder, if there is one)."""
    import torch

    ids = reference.text["input_ids"].to(reference.model.device)
    with torch.inference_mode():
        embeddings = reference.model.get_input_embeddings()(ids)
    return {name: value for name, value in reference.text.items() if name != "input_ids"} | {
        "inputs_embeds": embeddings
    }


def _second_table(reference: ReferenceRuns) -> str:
    """The name of another table in which the model looks up the ids; empty if there is none."""
    import torch

    ids, own = reference.text["input_ids"].to(reference.model.device), reference.model.get_input_embeddings()
    found: list[str] = []

    def note(name: str) -> Any:
        def look(module: Any, given: Any) -> None:
            if given and isinstance(given[0], torch.Tensor) and torch.equal(given[0], ids):
                found.append(name)

        return look

    tables = ((n, each) for n, each in reference.model.named_modules() if isinstance(each, torch.nn.Embedding))
    hooks = [each.register_forward_pre_hook(note(name)) for name, each in tables if each.weight is not own.weight]
    try:
        generate.forward(reference.model, reference.text)
    finally:
        for hook in hooks:
            hook.remove()
    return next(iter(found), "")
