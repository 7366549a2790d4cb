"""A language model that answers with its prompt, one word at a time, in place of a provider's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A part of an answer, and how many tokens it costs."""

    text: str
    tokens: int


async def stream(prompt: str, max_tokens: int) -> AsyncIterator[Piece]:
    """Yield the answer's pieces, up to a number of tokens: one per character."""
    for word in prompt.split():
        piece = Piece(f"{word} ", len(word) + 1)
        max_tokens -= piece.tokens
        if max_tokens < 0:
            return
        await asyncio.sleep(0.01)
        yield piece
