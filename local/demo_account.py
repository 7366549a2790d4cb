"""The account that the pages sign in with at one click, on this machine only."""

import httpx

EMAIL = "demo@example.com"
PASSWORD = "demo-password"  # noqa: S105 -- it opens an account of an emulator, and the page shows it

_SIGN_UP = "http://{emulator}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=demo"


def set_up(emulator: str) -> None:
    """Create the account in the Auth emulator at host:port, unless it exists."""
    answer = httpx.post(_SIGN_UP.format(emulator=emulator), json={"email": EMAIL, "password": PASSWORD})
    if "EMAIL_EXISTS" not in answer.text:
        answer.raise_for_status()
