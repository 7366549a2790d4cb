"""Who is signed in, without Firebase: `Bearer ada` is ada."""

from shared.errors import NotSignedIn
from shared.identity import User

ADA = {"Authorization": "Bearer ada"}


class FakeIdentity:
    """Takes the user's id for a token."""

    def user_of(self, authorization: str | None) -> User:
        scheme, _, uid = (authorization or "").partition(" ")
        if scheme != "Bearer" or not uid:
            raise NotSignedIn
        return User(uid, f"{uid}@example.com")
