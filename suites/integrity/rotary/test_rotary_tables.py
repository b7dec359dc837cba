from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fixtures.session.uses import uses
from suites.findings import Defect, Limit, NotApplicable, Record
from suites.integrity.rotary.declared import Rope
from suites.integrity.rotary.formulas import NotCovered, attention_factor, frequencies, unscaled
from suites.integrity.rotary.tables import Table, tables

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

FLOAT32_EPS = 2.0**-23
HALF_PRECISION_EPS = {"bfloat16": 2.0**-8, "float16": 2.0**-11}


@uses("loading")
def test_rotary_tables(config: dict[str, Any], model: Any, record: Record) -> None:
    """The rotary frequencies in memory are float32 and follow from `config.json`.

    Why: they are computed at every load and not stored. If theta or scaling is not applied, or the table is rounded to
        half precision, positions shift, more so in longer texts; the output stays fluent.
    Fix: write theta and scaling where the library looks for them (`rope_parameters` in transformers 5, `rope_theta`
        and `rope_scaling` before), set the scaling before loading, and leave the tables in float32.
    Source: https://github.com/huggingface/transformers/pull/29285 (float32); https://arxiv.org/abs/2104.09864;
        https://github.com/deepspeedai/DeepSpeed/issues/8345 (theta not found, default used)
    """
    found = list(tables(model, config))
    if not found:
        raise NotApplicable("the model has no rotary positions")
    compared = [_compare(table) for table in found]
    if found[0].in_file:
        tables_found = {"tables": [each.name for each in found]}
        record.capability("integrity.rotary", str(found[0].in_file[0]), evidence=tables_found)
    if not any(compared):
        raise Limit("seatrial has no formula for the rotary frequencies that config.json declares")


def _compare(table: Table) -> bool:
    """Raises Defect if a table does not follow from its settings; returns False if there is no formula for them."""
    __tracebackhide__ = True
    wanted = [(rope, each) for rope in table.in_file if (each := _expected(rope, table)) is not None]
    if not wanted or len(wanted) < len(table.in_file):
        return False
    if not any(_same(table.values, each) for _, each in wanted):
        raise Defect(f"{table.name}: {_cause(table, *wanted[0])}.", evidence=_evidence(table, *wanted[0]))
    _compare_scaling(table)
    in_memory = [each for rope in table.in_memory if (each := _expected(rope, table)) is not None]
    if in_memory and not any(_same(table.values, each) for each in in_memory):
        summary = f"{table.name} was computed with {table.in_file[0]}, but model.config now has {table.in_memory[0]}"
        raise Defect(
            f"{summary}: settings that change after loading have no effect.",
            evidence=_evidence(table, table.in_memory[0], in_memory[0]),
        )
    return True


def _compare_scaling(table: Table) -> None:
    __tracebackhide__ = True
    try:
        wanted = [attention_factor(rope) for rope in table.in_file]
    except NotCovered:
        return
    if table.scaling is not None and not any(math.isclose(table.scaling, each, rel_tol=1e-6) for each in wanted):
        raise Defect(
            f"{table.name}: cosine and sine are scaled by {table.scaling:.6g}, but config.json implies "
            f"{wanted[0]:.6g} ({table.in_file[0]})."
        )


def _expected(rope: Rope, table: Table) -> Array | None:
    try:
        found = frequencies(rope, len(table.values))
    except NotCovered:
        return None
    return found if found.shape == table.values.shape else None


def _same(values: Array, wanted: Array) -> bool:
    """True if float32 rounding explains the difference: the exponent's rounding counts ln(theta) times, plus a few."""
    spread = abs(math.log(float(min(wanted, default=1.0)) or FLOAT32_EPS))
    return bool((abs(values - wanted) <= 8 * (spread + 4) * FLOAT32_EPS * abs(wanted)).all())


def _cause(table: Table, rope: Rope, wanted: Array) -> str:
    halves = [
        name
        for name, step in HALF_PRECISION_EPS.items()
        if bool((abs(table.values - wanted) <= step * abs(wanted)).all())
    ]
    if halves:
        kind = table.dtype if table.dtype in halves else halves[-1]
        return f"the frequencies were rounded to {kind}, but must be float32 ({rope})"
    if rope.theta and rope.kind != "default" and _same(table.values, unscaled(rope.theta, len(table.values))):
        return f"config.json declares {rope.kind} scaling, but the frequencies are not scaled"
    theta = _theta(table.values)
    if theta and _same(table.values, unscaled(theta, len(table.values))):
        return f"the frequencies are those of theta {theta:.6g}, but config.json says {rope}"
    return f"the frequencies do not follow from config.json ({rope})"


def _theta(values: Array) -> float | None:
    """Returns the theta of a table, assuming that it is not scaled."""
    last, count = float(values[-1]), len(values)
    return round(last ** (-count / (count - 1)), 3) if count > 1 and last > 0 else None


def _evidence(table: Table, rope: Rope, wanted: Array) -> dict[str, Any]:
    index = int((abs(table.values - wanted) / (abs(wanted) + FLOAT32_EPS)).argmax())
    return {
        "table": table.name,
        "dtype": table.dtype,
        "settings": str(rope),
        "theta in force": _theta(table.values),
        "largest difference at": index,
        "is": float(table.values[index]),
        "should be": float(wanted[index]),
    }
