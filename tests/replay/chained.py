"""A small case that goes on as a new run, with what our code made of its words handed over."""

from dataclasses import dataclass

from temporalio import workflow


@dataclass(frozen=True)
class Handed:
    words: str
    left: int


@workflow.defn(name="Chained")
class Chained:
    @workflow.run
    async def run(self, handed: Handed) -> str:
        if handed.left:
            workflow.continue_as_new(Handed(f"again: {handed.words}", handed.left - 1))
        return handed.words
