"""Every pipeline task of the installed transformers has a contract, and a built-in that it is tested on."""

from __future__ import annotations

from fixtures.builtin import FLEET
from fixtures.machine import library_versions
from fixtures.pipelines.replacements import REPLACEMENTS
from suites.pipelines.contracts.registry import contracts


def test_every_task_of_the_installed_registry_has_a_contract() -> None:
    assert {*library_versions.pipeline_classes()} - {*contracts()} == set()


def test_every_removed_task_has_a_contract() -> None:
    assert {*REPLACEMENTS} - {*contracts()} == set()


def test_every_contract_has_a_subject() -> None:
    """Images without a prompt come from the same code as images from text."""
    tested = {task for member in FLEET.values() for task in member.traits.tasks}
    assert {*contracts()} - tested == {"unconditional-image-generation"}


def test_every_contract_can_be_tested_on_any_supported_version() -> None:
    """A task is in the registry or has a replacement of ours; `decision` and `any-to-any` are new."""
    assert {*contracts()} - {*library_versions.pipeline_classes()} - {*REPLACEMENTS} <= {"decision", "any-to-any"}
