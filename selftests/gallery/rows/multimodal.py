"""Rows about pipelines that read more than text, and that decide or draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits import edit_json, edit_tokenizer, edit_weights, set_keys
from selftests.gallery.registry import mutant

CHAT = "tiny-image-text-to-text"
CAPTIONS, ANSWERS = "tiny-image-to-text", "tiny-visual-question-answering"
FORMS, TABLES = "tiny-document-question-answering", "tiny-table-question-answering"
DECISIONS, DRAWN = "tiny-decision", "tiny-text-to-image"


def unchanged(directory: Path) -> None:
    """The defect is put into what was loaded."""


def changing(change: Callable[[Any], Any]) -> Callable[[Pipe], None]:
    """A pipe whose answers are changed."""

    def patch(pipe: Pipe) -> None:
        call = pipe.call
        pipe.call = lambda inputs, **options: _each(call(inputs, **options), change)

    return patch


def _each(found: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(found, list):
        return [_each(each, change) for each in found]
    return change(found) if isinstance(found, dict) else found


@mutant(
    "PB01",
    "the processor counts another number of tokens for a picture than the model makes of it",
    source="huggingface/transformers#36095",
    base=CHAT,
    caught_by="pipelines/pipeline-runs",
    naming=("image-text-to-text", "tokens"),
)
def other_count(directory: Path) -> None:
    set_keys(directory / "processor_config.json", num_additional_image_tokens=3)


@mutant(
    "PB02",
    "the processor's patches have another size than the model's",
    source="own",
    base=CHAT,
    caught_by="pipelines/pipeline-runs",
    naming=("image-text-to-text", "tokens"),
)
def other_patches(directory: Path) -> None:
    set_keys(directory / "processor_config.json", patch_size=16)


@mutant(
    "PB03",
    "red and blue are exchanged on their way to a chat model",
    source="own",
    base=CHAT,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def other_colours(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        name = next(name for name in tensors if name.endswith("patch_embedding.weight"))
        tensors[name] = tensors[name][:, [2, 1, 0]].contiguous()
        return tensors

    edit_weights(directory, edit)


def with_question(pipe: Pipe) -> None:
    """The pipeline's answers hold the conversation as it was given, or as the library's own object."""
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        return _each(call(inputs, **options), _asked)

    pipe.call = changed


def _asked(answer: Any) -> Any:
    messages = getattr(answer["input_text"], "messages", answer["input_text"])
    question = messages[-1]["content"][-1]["text"]
    return {**answer, "generated_text": f"{question} {answer['generated_text']}"}


mutant(
    "PB04",
    "the question comes back in the answer",
    source="own",
    base=CHAT,
    caught_by="pipelines/output-conforms",
    naming="only new text was asked for",
    patch_pipe=with_question,
)(unchanged)


@mutant(
    "PB06",
    "two words of a writer of captions have each other's ids",
    source="own",
    base=CAPTIONS,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def other_words(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        words = data["model"]["vocab"]
        words["disc"], words["ring"] = words["ring"], words["disc"]

    edit_tokenizer(directory, change)
    path = directory / "vocab.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    exchanged = {"disc": "ring", "ring": "disc"}
    path.write_text("".join(f"{exchanged.get(line, line)}\n" for line in lines), encoding="utf-8")


@mutant(
    "PB07",
    "the answers about a picture are in another order in the config",
    source="own",
    base=ANSWERS,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def other_labels(directory: Path) -> None:
    names = ("green", "red", "blue", "ring", "disc")
    ids = {"id2label": dict(enumerate(names)), "label2id": {name: index for index, name in enumerate(names)}}
    set_keys(directory / "config.json", **ids)


def one_word_late(answer: Any) -> Any:
    return {**answer, "start": answer["start"] + 1, "end": answer["end"] + 1} if "start" in answer else answer


mutant(
    "PB08",
    "the place of an answer in a document is one word late",
    source="own",
    base=FORMS,
    caught_by="pipelines/output-conforms",
    naming="the document has",
    patch_pipe=changing(one_word_late),
)(unchanged)


@mutant(
    "PB09",
    "the start and the end of a document's answers are exchanged in the head",
    source="own",
    base=FORMS,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def half_a_head(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["qa_outputs.weight"] = -tensors["qa_outputs.weight"]
        return tensors

    edit_weights(directory, edit)


def turned(answer: Any) -> Any:
    """Columns are told for rows."""
    return {**answer, "coordinates": [(column, row) for row, column in answer["coordinates"]]}


mutant(
    "PB10",
    "the cells of a table are told by column and row",
    source="own",
    base=TABLES,
    caught_by="pipelines/output-conforms",
    naming=("cell",),
    patch_pipe=changing(turned),
)(unchanged)


@mutant(
    "PB11",
    "the aggregators of a table's answers are in another order in the config",
    source="own",
    base=TABLES,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def other_aggregators(directory: Path) -> None:
    names = {"0": "NONE", "1": "COUNT", "2": "AVERAGE", "3": "SUM"}
    set_keys(directory / "config.json", aggregation_labels=names)


@mutant(
    "PB12",
    "yes and no of a model that decides are exchanged",
    source="own",
    base=DECISIONS,
    caught_by="pipelines/canaries",
    naming="known answer",
    since="5.23",
)
def other_options(directory: Path) -> None:
    set_keys(directory / "decision.json", noul_options=["true", "false"])


@mutant(
    "PB13",
    "a model that decides reads the scores of another type of question",
    source="own",
    base=DECISIONS,
    caught_by="pipelines/canaries",
    naming="known answer",
    since="5.23",
)
def other_offsets(directory: Path) -> None:
    set_keys(directory / "config.json", offsets={"noul": 3, "score": 0, "choice": 4})


def without_seed(pipe: Pipe) -> None:
    call = pipe.call
    pipe.call = lambda inputs, **options: call(inputs, **{**options, "seed": 0})


mutant(
    "PB14",
    "the seed of a picture is ignored",
    source="own",
    base=DRAWN,
    caught_by="pipelines/pictures-follow-their-seed",
    naming="seeds are ignored",
    patch_pipe=without_seed,
)(unchanged)


def half_as_large(pipe: Pipe) -> None:
    call = pipe.call

    def smaller(found: Any) -> Any:
        return [each[::2, ::2] for each in found] if isinstance(found, list) else found[::2, ::2]

    pipe.call = lambda inputs, **options: smaller(call(inputs, **options))


mutant(
    "PB15",
    "pictures are drawn in another size than the components say",
    source="own",
    base=DRAWN,
    caught_by="pipelines/output-conforms",
    naming="the components say",
    patch_pipe=half_as_large,
)(unchanged)


@mutant(
    "PB16",
    "the decoder of a pipeline that draws is cut off",
    source="own",
    base=DRAWN,
    caught_by="integrity/loads",
    naming=("vae/diffusion_pytorch_model.safetensors", "truncated"),
)
def cut_off(directory: Path) -> None:
    path = directory / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


@mutant(
    "PB17",
    "a component that model_index.json names is missing",
    source="own",
    base=DRAWN,
    caught_by="integrity/loads",
    naming=("component unet", "no such folder"),
)
def no_unet(directory: Path) -> None:
    for path in (directory / "unet").iterdir():
        path.unlink()
    (directory / "unet").rmdir()


def other_class(index: dict[str, Any]) -> None:
    index["scheduler"] = ["diffusers", "NobodysScheduler"]


@mutant(
    "PB18",
    "model_index.json names a scheduler that diffusers does not have",
    source="own",
    base=DRAWN,
    caught_by="integrity/loads",
    naming="NobodysScheduler",
)
def no_scheduler(directory: Path) -> None:
    edit_json(directory / "model_index.json", other_class)
