"""Questions about tables: answers are cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import Missing
from suites.pipelines.contracts.contract import Contract

TABLES: tuple[dict[str, list[str]], ...] = (
    {"name": ["Anna", "Peter"], "city": ["Oslo", "Rome"]},
    {"name": ["Maria", "Henry", "Paul"], "food": ["soup", "fish", "rice"], "city": ["Paris", "Prague", "Berlin"]},
    {"city": ["Vienna", "Oslo", "Rome", "Paris"], "name": ["Clara", "Anna", "Paul", "Peter"]},
)
"""More columns than rows and more rows than columns, so that exchanging them is noticed."""
QUERIES = ("Which city is the second?", "Which food is the first?", "How many times is there a city?")


def samples(pipe: Pipe) -> list[Any]:
    return [request(table, query) for table, query in zip(TABLES, QUERIES, strict=True)]


def request(table: Mapping[str, Any], query: str) -> dict[str, Any]:
    """Returns a new table each time, because the pipeline changes the caller's dictionary."""
    return {"table": _frame(table), "query": query}


def _frame(table: Mapping[str, Any]) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise Missing("tables need pandas", "pip install 'seatrial[tables]'") from error
    return pandas.DataFrame(dict(table)).astype(str)


def canary_input(value: Any, pipe: Pipe) -> Any:
    return request(value["table"], value["query"]) if isinstance(value, Mapping) and "table" in value else value


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer names existing cells, their content, and an aggregator of the config."""
    if "coordinates" not in answer:  # a generating model
        if not isinstance(answer.get("answer"), str):
            yield f"the answer is {answer!r}"
        return
    table = sample["table"]
    rows, columns = table.shape
    outside = [cell for cell in answer["coordinates"] if not (0 <= cell[0] < rows and 0 <= cell[1] < columns)]
    if outside:
        yield f"a cell of the answer is in row {outside[0][0]}, column {outside[0][1]} of a {rows} x {columns} table"
        return
    actual = [str(table.iat[row, column]) for row, column in answer["coordinates"]]
    if actual != list(answer["cells"]):
        yield f"the cells at {answer['coordinates']} are {actual}, the answer says {answer['cells']}"
    names = {str(name) for name in (getattr(pipe.model.config, "aggregation_labels", None) or {}).values()}
    if "aggregator" in answer and answer["aggregator"] not in names:
        yield f"the aggregator {answer['aggregator']!r} is not in the config, which has {sorted(names)}"
    yield from _answer_text_problems(answer)


def _answer_text_problems(answer: Mapping[str, Any]) -> Iterator[str]:
    cells = ", ".join(answer["cells"])
    aggregator = answer.get("aggregator", "")
    if answer["answer"] not in (cells, f"{aggregator} > {cells}"):
        yield f"the answer {answer['answer']!r} is not the text of its cells, {cells!r}"


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
        canary_input=canary_input,
        invalid_inputs=incomplete,
        lists_only=True,
        can_batch=lambda pipe: False,  # the answers of a batch cannot be taken apart again
        meaning=lambda answer: str(answer["answer"]),
    ),
)
