"""Rows about generation: stopping, sampling, streams, saving, placement, memory and vital signs."""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_added_token, edit_weights, set_keys
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

WINDOW = "tiny-sliding-window"
STOPS = "generation/stops-where-told"
SCORES = "generation/scores-agree-with-logits"
SAVING = "generation/model-survives-saving"


def _around(model: Any, name: str, change: Callable[..., Any]) -> None:
    """Puts `change(own method, *arguments)` in the place of a method of this one model."""
    own = getattr(model, name)
    setattr(model, name, lambda *args, **options: change(own, *args, **options))


def _without(model: Any, criterion: str, *, only_lists: bool = False) -> None:
    """Takes a kind of stopping criterion out of every generation."""

    def fewer(own: Any, **options: Any) -> Any:
        criteria = own(**options)
        kept = [each for each in criteria if type(each).__name__ != criterion]
        stops = options["generation_config"]._eos_token_tensor
        if only_lists and (stops is None or stops.numel() < 2):
            return criteria
        return type(criteria)(kept)

    _around(model, "_get_stopping_criteria", fewer)


@mutant(
    "D01",
    "of several stop tokens none is looked for",
    source="huggingface/transformers#24644",
    base=CHAT,
    caught_by=STOPS,
    naming=("the list eos_token_id", "ignored"),
    patch=lambda model: _without(model, "EosTokenCriteria", only_lists=True),
)
def list_of_stop_tokens_is_ignored(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D02",
    "stop strings are not looked for",
    source="own",
    base=CHAT,
    caught_by=STOPS,
    naming=("stop_strings", "ignored"),
    patch=lambda model: _without(model, "StopStringCriteria"),
)
def stop_strings_are_ignored(directory: Path) -> None:
    """The files stay healthy."""


def _other_padding(own: Any, generation_config: Any, *args: Any, **options: Any) -> None:
    own(generation_config, *args, **options)
    generation_config._pad_token_tensor = generation_config._pad_token_tensor * 0 + 9


@mutant(
    "D03",
    "rows that have ended are filled with an ordinary token",
    source="own",
    base=CHAT,
    caught_by="generation/finished-rows-are-padded",
    naming=("pad token", "stop token"),
    patch=lambda model: _around(model, "_prepare_special_tokens", _other_padding),
)
def rows_are_filled_with_another_token(directory: Path) -> None:
    """The files stay healthy."""


class _OneByOne:
    """Decodes each id on its own."""

    def __init__(self, streamers: Any):
        self.streamers, self.prompt = streamers.streamers, True

    def put(self, ids: Any) -> None:
        for streamer in self.streamers:
            if not self.prompt:
                streamer.on_finalized_text(streamer.tokenizer.decode(ids.tolist(), **streamer.decode_kwargs))
        self.prompt = False

    def end(self) -> None:
        for streamer in self.streamers:
            streamer.end()


class _Forgetful:
    """Forgets the last token."""

    def __init__(self, streamers: Any):
        self.streamers, self.held = streamers, None

    def put(self, ids: Any) -> None:
        if self.held is not None:
            self.streamers.put(self.held)
        self.held = ids

    def end(self) -> None:
        self.streamers.end()


def _streaming_through(kind: Any) -> Callable[[Any], None]:
    def generate(own: Any, *args: Any, streamer: Any = None, **options: Any) -> Any:
        return own(*args, streamer=kind(streamer) if streamer else None, **options)

    return lambda model: _around(model, "generate", generate)


@mutant(
    "G13",
    "each token is streamed as it decodes alone",
    source="mlc-ai/mlc-llm#2978",
    base=CHAT,
    caught_by="generation/streams-what-it-generates",
    naming=("U+FFFD", "complete"),
    patch=_streaming_through(_OneByOne),
)
def streamed_one_by_one(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D04",
    "the last token is not streamed",
    source="own",
    base=CHAT,
    caught_by="generation/streams-what-it-generates",
    naming="loses text",
    patch=_streaming_through(_Forgetful),
)
def stream_loses_the_end(directory: Path) -> None:
    """The files stay healthy."""


def _saving(change: Callable[[Path], object]) -> Callable[[Any], None]:
    """Changes what `save_pretrained` has written."""

    def save(own: Any, folder: Any, *args: Any, **options: Any) -> None:
        own(folder, *args, **options)
        change(Path(folder))

    return lambda model: _around(model, "save_pretrained", save)


@mutant(
    "D05",
    "saving leaves the generation config out",
    source="own",
    base=CHAT,
    caught_by=SAVING,
    naming=("generation config", "eos_token_id"),
    patch=_saving(lambda folder: (folder / "generation_config.json").unlink()),
)
def generation_config_is_not_saved(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D06",
    "a saved copy does not say that its head is tied",
    source="huggingface/transformers#42362",
    base=CHAT,
    caught_by=SAVING,
    naming=("tied output head", "lm_head.weight"),
    patch=_saving(lambda folder: set_keys(folder / "config.json", tie_word_embeddings=False)),
)
def tied_head_is_not_saved(directory: Path) -> None:
    """The files stay healthy."""


def _renamed(folder: Path) -> None:
    if not (folder / "model.safetensors").is_file():  # a check may only look at what would be written
        return
    edit_weights(folder, lambda tensors: {name.replace("model.norm.", "model.final."): each
                                          for name, each in tensors.items()})  # fmt: skip


@mutant(
    "W10",
    "save_pretrained emits a wrong key",
    source="huggingface/transformers#48075",
    base=CHAT,
    caught_by=SAVING,
    naming=("lost in saving", "model.norm.weight"),
    patch=_saving(_renamed),
)
def saved_under_another_name(directory: Path) -> None:
    """The files stay healthy."""


def _initialise_head(self: Any, *args: Any, **options: Any) -> Any:
    found = type(self).resize_token_embeddings(self, *args, **options)
    self.get_output_embeddings().weight.data.normal_(0.0, 0.02)
    return found


def _resizing(model: Any) -> None:
    model.resize_token_embeddings = types.MethodType(_initialise_head, model)


@mutant(
    "W07",
    "the head is initialised anew when the vocabulary grows",
    source="huggingface/transformers#45079",
    base=SENTENCEPIECE,
    caught_by="generation/resizing-keeps-old-rows",
    severity="hazard",
    naming=("output head", "initialised anew"),
    patch=_resizing,
)
def resized_head_is_new(directory: Path) -> None:
    """The files stay healthy."""


def _of_first_beam(own: Any, sequences: Any, scores: Any, beam_indices: Any = None, *args: Any, **options: Any) -> Any:
    first = None if beam_indices is None else beam_indices * 0
    return own(sequences, scores, first, *args, **options)


@mutant(
    "D08",
    "beams are scored with the tokens of the first one",
    source="own",
    base=CHAT,
    caught_by=SCORES,
    naming=("beam search", "compute_transition_scores"),
    patch=lambda model: _around(model, "compute_transition_scores", _of_first_beam),
)
def beams_have_the_scores_of_another(directory: Path) -> None:
    """The files stay healthy."""


def _twice(own: Any, **options: Any) -> Any:
    processors = own(**options)
    return type(processors)([*processors, *(each for each in processors if "Temperature" in type(each).__name__)])


@mutant(
    "D09",
    "temperature is applied twice",
    source="own",
    base=CHAT,
    caught_by="generation/processors-obey-their-law",
    naming=("temperature", "law"),
    patch=lambda model: _around(model, "_get_logits_processor", _twice),
)
def temperature_twice(directory: Path) -> None:
    """The files stay healthy."""


def _unseeded(own: Any, *args: Any, **options: Any) -> Any:
    import torch

    torch.seed()
    return own(*args, **options)


@mutant(
    "D10",
    "each call seeds the random numbers anew",
    source="own",
    base=CHAT,
    caught_by="generation/same-seed-same-sample",
    naming=("seed", "logits are equal"),
    patch=lambda model: _around(model, "generate", _unseeded),
)
def seeds_itself(directory: Path) -> None:
    """The files stay healthy."""


def _keeping(model: Any) -> None:
    kept: list[Any] = []
    model.lm_head.register_forward_hook(lambda module, inputs, output: kept.append(output))


@mutant(
    "D11",
    "a hook keeps the logits of every call",
    source="huggingface/transformers#47731",
    base=CHAT,
    caught_by="generation/memory-does-not-grow",
    naming=("tensors", "memory grows"),
    patch=_keeping,
)
def keeps_what_it_computed(directory: Path) -> None:
    """The files stay healthy."""


def _bos_again(tokenizer: Any) -> None:
    own = tokenizer.apply_chat_template

    def rendered(*args: Any, **options: Any) -> Any:
        found = own(*args, **options)
        if options.get("return_tensors") == "pt":
            import torch

            first = torch.tensor([[tokenizer.bos_token_id]])
            found["input_ids"] = torch.cat([first, found["input_ids"]], dim=1)
            found["attention_mask"] = torch.ones_like(found["input_ids"])
        return found

    tokenizer.apply_chat_template = rendered


@mutant(
    "D12",
    "the pipeline's prompt has a second beginning",
    source="own",
    base=CHAT,
    caught_by="generation/pipeline-gives-the-same-ids",
    naming=("another prompt", "<|endoftext|>"),
    patch_tokenizer=_bos_again,
)
def pipeline_adds_a_token(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D13",
    "config.json brings a prefix that only pipelines read",
    source="own",
    base=WINDOW,
    caught_by="generation/pipeline-gives-the-same-ids",
    naming="another prompt",
)
def prefix_for_pipelines(directory: Path) -> None:
    set_keys(directory / "config.json", prefix="Answer the question. ")


@mutant(
    "D14",
    "the end-of-turn token is not special: readers see it",
    source="own",
    base=CHAT,
    caught_by="generation/vital-signs",
    naming=("control token", "<|im_end|>"),
)
def control_token_is_shown(directory: Path) -> None:
    edit_added_token(directory, "<|im_end|>", special=False)
    set_keys(directory / "tokenizer_config.json", eos_token="<|endoftext|>")


def _silent(own: Any, *args: Any, **options: Any) -> Any:
    """Says the stop token at once, wherever nobody asked for logits."""
    if not {"logits_processor", "return_dict_in_generate"} & set(options):
        options |= {"sequence_bias": [[[2], 1e6]]}
    return own(*args, **options)


@mutant(
    "D15",
    "the model ends its turn at once",
    source="own",
    base=CHAT,
    caught_by="generation/vital-signs",
    severity="hazard",
    naming="Every answer is empty",
    patch=lambda model: _around(model, "generate", _silent),
)
def says_nothing(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D16",
    "pad_token_id is a token that the template writes",
    source="huggingface/transformers#16136",
    base=CHAT,
    caught_by="generation/missing-mask-changes-nothing",
    severity="hazard",
    naming=("<|im_start|>", "pad_token_id"),
)
def padding_is_a_turn_marker(directory: Path) -> None:
    set_keys(directory / "generation_config.json", pad_token_id=_id_of(directory, "<|im_start|>"))


def _id_of(directory: Path, token: str) -> int:
    added = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    return next(int(each["id"]) for each in added if each["content"] == token)


def _careless(model: Any) -> None:
    """A class that converts a weight on its way to the place that a device map gives it."""
    native = type(model)

    class Careless(native):  # type: ignore[misc, valid-type]
        @classmethod
        def from_pretrained(cls, *args: Any, **options: Any) -> Any:
            found = native.from_pretrained(*args, **options)
            if options.get("device_map"):
                found[0].model.embed_tokens.weight.data.mul_(1.01)
            return found

    model.__class__ = Careless


@mutant(
    "D17",
    "a weight changes when the model is spread by a device map",
    source="huggingface/transformers#46566",
    base=CHAT,
    caught_by="generation/same-logits-wherever-it-lies",
    naming=("Offloaded", "on disk"),
    patch=_careless,
)
def changes_when_it_is_spread(directory: Path) -> None:
    """The files stay healthy."""
