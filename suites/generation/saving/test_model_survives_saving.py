from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard
from suites.generation.saving import sharing
from suites.running import copies, generate

FIX = "Save the weights under the names that the checkpoint has, and load the copy before you publish it."


@needs("full_weights")
@uses("sharing")
def test_model_survives_saving(
    subject: Subject,
    tokenizer: Any,
    loaded: Loaded,
    generator: Any,
    profile: str,
    memory_left: int,
) -> None:
    """A model that was saved and loaded again has the same weights, logits, tied or untied head and generation config.

    Why: every fine-tuning ends with a save. Weights saved under other names are randomly initialised when loaded, and
        without its stop token the copy generates without end.
    Fix: Save with the library version that the checkpoint was made for, and compare the copy before publishing it.
    Source: https://huggingface.co/docs/transformers/main_classes/model (save_pretrained); https://github.com/huggingface/transformers/issues/48075
    """
    inputs = copies.prompt(generator, tokenizer)
    with copies.scratch(generator, profile, memory_left) as folder:
        with copies.settings_restored(generator):
            _save(generator, folder)
        with generate.refusals("Loading what was saved"):
            again, report = copies.load(generator, folder, subject)
        _must_be_whole(report, generator)
        again.to(generator.device)
        _must_be_equal(generator, again, inputs)
        _must_have_same_settings(generator, again)


def _save(model: Any, folder: Path) -> None:
    """Saves the model; raises Hazard if that fails, as with an invalid generation config in some versions."""
    __tracebackhide__ = True
    try:
        model.save_pretrained(folder)
    except (ValueError, TypeError, NotImplementedError, AttributeError, KeyError, RuntimeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise Hazard(f"The model cannot be saved: {first}", evidence={"error": str(error)[:2000]}) from error


def _must_be_whole(report: dict[str, Any], model: Any) -> None:
    __tracebackhide__ = True
    missing = sorted(set(report["missing_keys"]))
    if not missing:
        return
    head = sharing.tied_names(model) & set(missing)
    what = "The tied output head" if head else "A weight"
    raise Defect(
        f"{what} is lost in saving: {missing[0]} is missing from the saved copy, and is randomly initialised when it "
        "is loaded.",
        evidence={"missing": missing[:20], "unexpected": sorted(report["unexpected_keys"])[:20]},
        fix=FIX,
    )


def _must_be_equal(model: Any, again: Any, inputs: dict[str, Any]) -> None:
    __tracebackhide__ = True
    if sharing.is_tied(model) != sharing.is_tied(again):
        was, now = ("shares", "does not") if sharing.is_tied(model) else ("does not share", "does")
        raise Defect(f"The output head {was} its weights with the embeddings, but after saving and loading it {now}.")
    changed = [name for name, differs in sharing.differences(model, again).items() if differs]
    if changed:
        raise Defect(
            f"Saving and loading changes {len(changed)} weights, {changed[0]} first.",
            evidence={"changed": changed[:20], "of": len(list(model.named_parameters()))},
        )
    if apart := copies.distance(model, inputs, copies.logits(again, inputs)):
        raise Defect(
            f"Saving and loading changes the logits by up to {apart:.3g} although all weights are the same: a setting "
            "that is not in config.json was lost.",
            evidence={"largest_logit_difference": apart, "config": again.config.to_diff_dict()},
        )


def _must_have_same_settings(model: Any, again: Any) -> None:
    __tracebackhide__ = True
    was, now = (_settings(each.generation_config) for each in (model, again))
    lost = {name: [was.get(name), now.get(name)] for name in sorted({*was, *now}) if was.get(name) != now.get(name)}
    if lost:
        name, (before, after) = next(iter(lost.items()))
        raise Defect(
            f"Saving and loading changes the generation config: {name} was {before!r} and is {after!r}.",
            evidence={"before and after": lost},
        )


def _settings(config: Any) -> dict[str, Any]:
    left_out = ("transformers_version", "_from_model_config")
    found = {name: value for name, value in config.to_dict().items() if name not in left_out and value is not None}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
