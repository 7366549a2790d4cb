"""A backend's job, as a process that can be killed: it reserves, uses tokens, and then waits for its end.

Arguments: Tokens or AsyncTokens, the URL of spend_tokens, the user, the key, the tokens used, the lifetime in seconds.
"""

import asyncio
import sys
import time

from token_economy import AsyncTokens, Tokens

FOR_EVER_S = 600


def block(url: str, uid: str, key: str, used: int, expires_in_s: int) -> None:
    with Tokens(url).reserve(uid, 500, key=key, reason="chat", expires_in_s=expires_in_s) as job:
        job.use(used)
        time.sleep(FOR_EVER_S)


async def loop(url: str, uid: str, key: str, used: int, expires_in_s: int) -> None:
    async with AsyncTokens(url).reserve(uid, 500, key=key, reason="chat", expires_in_s=expires_in_s) as job:
        job.use(used)
        await asyncio.sleep(FOR_EVER_S)


if __name__ == "__main__":
    kind, url, uid, key, used, expires_in_s = sys.argv[1:]
    if kind == "Tokens":
        block(url, uid, key, int(used), int(expires_in_s))
    else:
        asyncio.run(loop(url, uid, key, int(used), int(expires_in_s)))
