from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fixtures.machine import library_versions
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, Record
from suites.integrity.config.key_synonyms import ROPE_SYNONYMS, canonical
from suites.integrity.config.misspelling import near_miss
from suites.integrity.sections import sections
from suites.integrity.tensor_names import few

INTERNAL = (
    "_attn_implementation_internal",
    "_experts_implementation_internal",
    "_attn_implementation",
    "_experts_implementation",
    "attn_implementation",
)
ROPE = frozenset(
    {"rope_type", "type", "rope_theta", "factor", "original_max_position_embeddings", "attention_factor", "beta_fast"}
    | {"beta_slow", "short_factor", "long_factor", "low_freq_factor", "high_freq_factor", "partial_rotary_factor"}
    | {"mscale", "mscale_all_dim", "truncate", "mrope_section", "mrope_interleaved", "finetuned", "alpha"}
)
SCALES = ("factor", "short_factor", "low_freq_factor", "beta_fast")


@uses("loading")
def test_config_keys_known(config: dict[str, Any], record: Record) -> None:
    """`config.json` has no misspelled key and no key that is internal to the library.

    Why: unknown keys are silently ignored. A misspelled key leaves its setting at the default, rotary scaling included.
        An internal key selects kernels, and has been used to run code when the model loads.
    Fix: correct the key that the finding names, or remove it.
    Source: https://huggingface.co/docs/transformers/main_classes/configuration;
        https://nvd.nist.gov/vuln/detail/CVE-2026-4372
    """
    unknown: list[str] = []
    for path, part in sections(config):
        _must_not_be_internal(path, part)
        _must_be_valid_rope(path, part)
        known = library_versions.config_keys(part.get("model_type") or (config.get("model_type") if not path else None))
        if known:
            unknown += [f"{path}.{key}".lstrip(".") for key in _unknown(path, part, known)]
    shown = few(sorted(unknown), 8) or "none"
    record.capability("integrity.unknown_config_keys", shown, evidence=sorted(unknown)[:40])


def _must_not_be_internal(path: str, part: Mapping[str, Any]) -> None:
    __tracebackhide__ = True
    for key in INTERNAL:
        value = part.get(key)
        if value is None:
            continue
        where = f"{path}.{key}".lstrip(".")
        if "/" in str(value):
            raise Defect(
                f"config.json sets {where} to '{value}', the name of a repository with code: "
                "some versions of transformers download and run it.",
                evidence={where: value},
            )
        if key != "attn_implementation":
            raise Hazard(
                f"config.json sets the library's internal key {where} ('{value}'), which selects its kernels.",
                evidence={where: value},
            )


def _unknown(path: str, part: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """Yields keys that the config class does not have; raises Defect if one is a misspelling or synonym of a key."""
    __tracebackhide__ = True
    for key, value in part.items():
        if key in known or key.startswith("_"):
            continue
        free = [name for name in known if name not in part and not name.startswith("_")]
        meant = near_miss(key, free) or canonical(key, free)
        if meant and value is not None and value != known[meant] and not library_versions.reads_key(part, key):
            where = f"{path}.{key}".lstrip(".")
            summary = f"config.json has {where} ({str(value)[:60]}), which is ignored; probably {meant} is meant"
            default = "at its default" if known[meant] is None else str(known[meant])[:60]
            raise Defect(f"{summary}, which stays {default}.", evidence={where: value})
        yield key


def _must_be_valid_rope(path: str, part: Mapping[str, Any]) -> None:
    __tracebackhide__ = True
    for name in ("rope_parameters", "rope_scaling"):
        settings = _dictionary(part.get(name))
        nested = [each for each in settings.values() if isinstance(each, dict)]
        for each in nested or [settings]:
            _must_be_known_rope(f"{path}.{name}".lstrip("."), each, ROPE | set(part))
    theta, inner = part.get("rope_theta"), _dictionary(part.get("rope_parameters"))
    if theta is not None and inner.get("rope_theta", theta) != theta:
        raise Defect(
            f"config.json has rope_theta = {theta} but rope_parameters.rope_theta = {inner['rope_theta']}: "
            "versions of the library differ in which one they use."
        )


def _must_be_known_rope(where: str, settings: Mapping[str, Any], known: Collection[str]) -> None:
    __tracebackhide__ = True
    for key in settings:
        free = [each for each in ROPE if each not in settings]
        meant = None if key in known else near_miss(key, free) or canonical(key, free, ROPE_SYNONYMS)
        if meant:
            raise Defect(
                f"{where} in config.json has {key}, which is ignored; probably {meant} is meant.",
                evidence={where: dict(settings)},
            )
    kind = settings.get("rope_type") or settings.get("type")
    scaled = next((key for key in SCALES if settings.get(key) not in (None, 1, 1.0)), None)
    if scaled and kind in (None, "default"):
        rope_type = "no rope_type" if kind is None else "rope_type 'default'"
        summary = f"{where} in config.json has {scaled} = {str(settings[scaled])[:40]} but {rope_type}"
        raise Defect(f"{summary}: nothing is scaled.", evidence={where: dict(settings)})


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
