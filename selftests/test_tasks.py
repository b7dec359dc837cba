"""The tasks that an architecture's name promises, held to the mappings of the installed transformers."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.checkpoint.architectures import NAMES, drawing_tasks, task_named, tasks_for

MAPPINGS = {
    "AUDIO_CLASSIFICATION": "audio-classification",
    "CAUSAL_LM": "text-generation",
    "CTC": "automatic-speech-recognition",
    "DECISION": "decision",
    "DEPTH_ESTIMATION": "depth-estimation",
    "DOCUMENT_QUESTION_ANSWERING": "document-question-answering",
    "IMAGE_CLASSIFICATION": "image-classification",
    "IMAGE_SEGMENTATION": "image-segmentation",
    "IMAGE_TO_IMAGE": "image-to-image",
    "IMAGE_TEXT_TO_TEXT": "image-text-to-text",
    "KEYPOINT_MATCHING": "keypoint-matching",
    "MASKED_LM": "fill-mask",
    "MASK_GENERATION": "mask-generation",
    "MULTIMODAL_LM": "any-to-any",
    "OBJECT_DETECTION": "object-detection",
    "QUESTION_ANSWERING": "question-answering",
    "SEMANTIC_SEGMENTATION": "image-segmentation",
    "SEQUENCE_CLASSIFICATION": "text-classification",
    "SEQ_TO_SEQ_CAUSAL_LM": "text2text-generation",
    "SPEECH_SEQ_2_SEQ": "automatic-speech-recognition",
    "TABLE_QUESTION_ANSWERING": "table-question-answering",
    "TDT": "automatic-speech-recognition",
    "TEXT_TO_SPECTROGRAM": "text-to-audio",
    "TEXT_TO_WAVEFORM": "text-to-audio",
    "TOKEN_CLASSIFICATION": "token-classification",
    "UNIVERSAL_SEGMENTATION": "image-segmentation",
    "VIDEO_CLASSIFICATION": "video-classification",
    "VISUAL_QUESTION_ANSWERING": "visual-question-answering",
    "ZERO_SHOT_IMAGE_CLASSIFICATION": "zero-shot-image-classification",
    "ZERO_SHOT_OBJECT_DETECTION": "zero-shot-object-detection",
}
"""The library's tables of classes; those of images as features and of whole models name every bare encoder."""

OURS = {
    # listed as text to text, or as speech recognition, and made for more or for something else
    *(
        f"{name}ForConditionalGeneration"
        for name in (
            "AudioFlamingo3",
            "Dia",
            "GPTSanJapanese",
            "GlmAsr",
            "MossTranscribeDiarize",
            "MusicFlamingo",
            "Nemotron3_5Transcribe",
            "Qwen2Audio",
            "Qwen2_5Omni",
            "Qwen3OmniMoe",
            "Voxtral",
        )
    ),
    "Mistral4ForCausalLM",  # the text model of a larger one
    "BertGenerationDecoder",  # half of an encoder-decoder
    "Blip2ForImageTextRetrieval",  # ranks pairs
    "DiffusionGemmaForBlockDiffusion",  # not left to right
    "EvollaForProteinText2Text",  # reads proteins
    "MusicgenForCausalLM",  # half of a model
    "NemotronH_Omni_Reasoning_V3",
    "PerceiverForImageClassificationConvProcessing",
    "PerceiverForImageClassificationFourier",
    "PerceiverForImageClassificationLearned",
    "Pop2PianoForConditionalGeneration",  # listed under speech recognition, and writes notes
    "ReformerModelWithLMHead",
    "VideoPrismClipModel",  # of videos
    "VisionEncoderDecoderModel",  # image-to-text, listed as image-text-to-text without a prompt
}
"""What we say otherwise, or nothing about, on purpose."""


def listed() -> dict[str, set[str]]:
    """Class name to the tasks under which the installed library lists it."""
    from transformers.models.auto import modeling_auto

    found: dict[str, set[str]] = defaultdict(set)
    for name, task in MAPPINGS.items():
        for classes in (getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES", None) or {}).values():
            for each in [classes] if isinstance(classes, str) else classes:
                found[each].add(task)
    return found


def test_the_table_agrees_with_the_library() -> None:
    other = {name: tasks for name, tasks in listed().items() if not tasks & set(tasks_for(name))}
    assert {name: tasks for name, tasks in other.items() if name not in OURS} == {}


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("LlamaForCausalLM", "text-generation"),
        ("T5ForConditionalGeneration", "text2text-generation"),
        ("BertForSequenceClassification", "text-classification"),
        ("BertModel", "feature-extraction"),
        ("WhisperForConditionalGeneration", "automatic-speech-recognition"),
        ("BlipForConditionalGeneration", "image-text-to-text"),
        ("Wav2Vec2ForSequenceClassification", "audio-classification"),
        ("TapasForQuestionAnswering", "table-question-answering"),
        ("OwlViTForObjectDetection", "zero-shot-object-detection"),
        ("ViTModel", "image-feature-extraction"),
        ("VitsModel", "text-to-audio"),
        ("NobodyKnows", None),
    ],
)
def test_tasks_follow_the_architecture(architecture: str, task: str | None) -> None:
    assert tasks_for(architecture) == ((task,) if task else ())


@pytest.mark.parametrize("architecture", ["MarianMTModel", "M2M100ForConditionalGeneration"])
def test_translators_translate(architecture: str) -> None:
    assert tasks_for(architecture) == ("text2text-generation", "translation")


def test_the_settings_of_tasks_name_tasks() -> None:
    settings: dict[str, Any] = {
        "task_specific_params": {"summarization": {}, "translation_en_to_de": {}, "translation_en_to_fr": {}}
    }
    assert tasks_for("T5ForConditionalGeneration", settings) == ("text2text-generation", "summarization", "translation")


@pytest.mark.parametrize(
    ("pipeline", "tasks"),
    [
        ("StableDiffusionPipeline", ("text-to-image",)),
        ("StableDiffusionXLPipeline", ("text-to-image",)),
        ("FluxPipeline", ("text-to-image",)),
        ("DDPMPipeline", ("unconditional-image-generation",)),
        ("StableDiffusionImg2ImgPipeline", ()),
        ("StableVideoDiffusionPipeline", ()),
        (None, ()),
    ],
)
def test_pipelines_of_diffusers_draw(pipeline: str | None, tasks: tuple[str, ...]) -> None:
    assert drawing_tasks(pipeline) == tasks


def test_a_classifier_of_entailment_takes_any_labels() -> None:
    labels = {"id2label": {"0": "contradiction", "1": "entailment"}}
    assert tasks_for("BartForSequenceClassification", labels) == ("text-classification", "zero-shot-classification")


def test_every_task_with_a_contract_has_a_name() -> None:
    from suites.pipelines.contracts.contract import contracts

    assert set(contracts()) == NAMES


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("ner", "token-classification"),
        ("sentiment-analysis", "text-classification"),
        ("translation_en_to_fr", "translation"),
        ("fill-mask", "fill-mask"),
    ],
)
def test_other_names_of_tasks_are_known(name: str, task: str) -> None:
    assert task_named(name) == task


def test_a_name_that_no_task_has_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'fill-mask'"):
        task_named("fill-masks")


def test_a_bare_model_of_sound_has_no_task_of_texts() -> None:
    assert tasks_for("Wav2Vec2Model") == ()


@pytest.mark.parametrize(
    ("tasks", "known", "told"),
    [
        ((), (), "no pipeline task is known"),
        (("fill-mask",), ({"task": "ner", "input": "a"},), "1 canary is about ner"),
        (("fill-mask",), ({"input": "a"},), None),
    ],
)
def test_what_is_not_tried_is_said(tasks: tuple[str, ...], known: tuple[Any, ...], told: str | None) -> None:
    """`pipelines/tasks-are-known`."""
    from suites.findings import Unsupported
    from suites.pipelines.every_task.test_tasks_are_known import test_tasks_are_known as check

    traits = SimpleNamespace(architecture="BertForMaskedLM")
    subject: Any = SimpleNamespace(traits=traits, known=known, notes={})
    record = SimpleNamespace(capability=lambda *_: None)
    with pytest.raises(Unsupported, match=told) if told else nullcontext():
        check(subject, tasks, record)
