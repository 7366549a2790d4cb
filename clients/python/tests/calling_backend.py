"""A backend on Cloud Run, as a process: spends one token per word on its command line, and prints what it met.

Its identity is that of google-auth's metadata server, which the environment names.
"""

import asyncio
import sys

from token_economy import AsyncTokens, CloudRunIdentity, Tokens, TokensError

AUDIENCE = "https://spend-tokens.example.run.app"


def main(kind: str, url: str, keys: list[str]) -> None:
    auth = CloudRunIdentity(AUDIENCE)
    try:
        if kind == "async":
            asyncio.run(spend_in_a_loop(AsyncTokens(url, auth=auth, budget_s=5), keys))
        else:
            tokens = Tokens(url, auth=auth, budget_s=5)
            for key in keys:
                tokens.spend("ada", 1, key=key, reason="test")
    except TokensError as error:
        sys.stdout.write(type(error).__name__)
    else:
        sys.stdout.write("spent")


async def spend_in_a_loop(tokens: AsyncTokens, keys: list[str]) -> None:
    for key in keys:
        await tokens.spend("ada", 1, key=key, reason="test")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
