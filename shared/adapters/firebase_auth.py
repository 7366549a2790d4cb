"""Firebase ID token → user. The only module that imports firebase-admin.

FIREBASE_AUTH_EMULATOR_HOST makes firebase-admin accept the Auth emulator's unsigned tokens; shared/runtime/settings.py
refuses it on Cloud Run.
"""

from dataclasses import dataclass

import firebase_admin
from firebase_admin import auth

from shared.domain.errors import NotSignedIn, Unavailable

_CLOCK_SKEW_S = 5


@dataclass(frozen=True, slots=True)
class User:
    """Who sent a request: the Firebase uid, and the e-mail address when the token carries one."""

    uid: str
    email: str | None


class Identity:
    """Checks the ID tokens of one Firebase project."""

    def __init__(self, project: str) -> None:
        self._app = _app_of(project)

    def user_of(self, authorization: str | None) -> User:
        """Return the user whose ID token an Authorization header (`Bearer …`) carries.

        Raises:
            NotSignedIn: there is none, or it is not valid (any more) for this project.
            Unavailable: Google's certificates cannot be fetched.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotSignedIn
        try:
            claims = auth.verify_id_token(token.strip(), app=self._app, clock_skew_seconds=_CLOCK_SKEW_S)
        except auth.CertificateFetchError as error:
            raise Unavailable("identity_unavailable") from error
        except (auth.InvalidIdTokenError, auth.UserDisabledError, ValueError) as error:
            raise NotSignedIn("The sign-in has expired or is not valid - sign in again") from error
        return User(claims["uid"], claims.get("email"))


def _app_of(project: str) -> firebase_admin.App:
    """Return the project's Firebase app. The first requests of an instance may come here at once: one makes it."""
    name = f"identity-{project}"
    try:
        return firebase_admin.initialize_app(options={"projectId": project}, name=name)
    except ValueError:
        return firebase_admin.get_app(name)
