"""Ask the model on a user's account: `ask.py USER_ID REQUEST_ID PROMPT`, with SPEND_TOKENS_URL in the environment."""

import asyncio
import sys

import chat


async def ask(user_id: str, request_id: str, prompt: str) -> None:
    """Print the answer as it arrives."""
    async with chat.tokens:
        async for text in chat.answer(user_id, request_id, prompt):
            sys.stdout.write(text)
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(ask(*sys.argv[1:]))
