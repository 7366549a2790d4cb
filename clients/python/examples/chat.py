import os
from collections.abc import AsyncIterator

import fake_model
from token_economy import AsyncTokens

tokens = AsyncTokens(os.environ["SPEND_TOKENS_URL"])


async def answer(user_id: str, request_id: str, prompt: str) -> AsyncIterator[str]:
    async with tokens.reserve(user_id, 500, at_least=20, key=request_id, reason="chat") as job:
        async for piece in fake_model.stream(prompt, max_tokens=job.amount):
            job.use(piece.tokens)
            yield piece.text
