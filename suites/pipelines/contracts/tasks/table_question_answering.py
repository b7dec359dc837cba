"""Questions about tables to cells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import Unsupported
from suites.pipelines.contracts.contract import Contract

TABLES: tuple[dict[str, list[str]], ...] = (
    {"name": ["Anna", "Peter"], "city": ["Oslo", "Rome"]},
    {"name": ["Maria", "Henry", "Paul"], "food": ["soup", "fish", "rice"], "city": ["Paris", "Prague", "Berlin"]},
    {"city": ["Vienna", "Oslo", "Rome", "Paris"], "name": ["Clara", "Anna", "Paul", "Peter"]},
)
"""More columns than rows and more rows than columns, so that the two cannot be mistaken for one another."""
QUERIES = ("Which city is the second?", "Which food is the first?", "How many times is there a city?")


def samples(pipe: Pipe) -> list[Any]:
    return [asked(table, query) for table, query in zip(TABLES, QUERIES, strict=True)]


def asked(table: Mapping[str, Any], query: str) -> dict[str, Any]:
    """A new table each time: the pipeline puts its own into the caller's dictionary."""
    return {"table": _frame(table), "query": query}


def _frame(table: Mapping[str, Any]) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise Unsupported("tables need pandas: `pip install 'seatrial[tables]'`") from error
    return pandas.DataFrame(dict(table)).astype(str)


def given(known: Any, pipe: Pipe) -> Any:
    return asked(known["table"], known["query"]) if isinstance(known, Mapping) and "table" in known else known


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Cells of the table at the places that are told, and an aggregator of the config."""
    if "coordinates" not in answer:  # a model that writes
        if not isinstance(answer.get("answer"), str):
            yield f"the answer is {answer!r}"
        return
    table = sample["table"]
    rows, columns = table.shape
    outside = [place for place in answer["coordinates"] if not (0 <= place[0] < rows and 0 <= place[1] < columns)]
    if outside:
        yield f"a cell of the answer lies in row {outside[0][0]}, column {outside[0][1]} of a {rows} x {columns} table"
        return
    there = [str(table.iat[row, column]) for row, column in answer["coordinates"]]
    if there != list(answer["cells"]):
        yield f"the cells at {answer['coordinates']} are {there}, the answer says {answer['cells']}"
    names = {str(name) for name in (getattr(pipe.model.config, "aggregation_labels", None) or {}).values()}
    if "aggregator" in answer and answer["aggregator"] not in names:
        yield f"the aggregator {answer['aggregator']!r} is not in the config, which has {sorted(names)}"
    yield from _said(answer)


def _said(answer: Mapping[str, Any]) -> Iterator[str]:
    cells = ", ".join(answer["cells"])
    aggregator = answer.get("aggregator", "")
    if answer["answer"] not in (cells, f"{aggregator} > {cells}"):
        yield f"the answer {answer['answer']!r} is not made of its cells, {cells!r}"


def incomplete(pipe: Pipe) -> dict[str, Any]:
    table = _frame(TABLES[0])
    return {
        "a number": 3,
        "an empty question": {"table": table, "query": ""},
        "a table without rows": {"table": table.iloc[:0], "query": QUERIES[0]},
        "no table": {"table": None, "query": QUERIES[0]},
    }


CONTRACTS = (
    Contract(
        tasks=("table-question-answering",),
        samples=samples,
        problems=problems,
        unwraps_single_lists=True,
        canary_input=given,
        invalid_inputs=incomplete,
        lists_only=True,
        can_batch=lambda pipe: False,  # the answers of a batch cannot be taken apart again
        meaning=lambda answer: str(answer["answer"]),
    ),
)
