"""Firebase ID token → user, and App Check token → our app. The only module that imports firebase-admin.

FIREBASE_AUTH_EMULATOR_HOST makes firebase-admin accept the Auth emulator's unsigned tokens; shared/runtime/settings.py
refuses it on Cloud Run.
"""

from dataclasses import dataclass

import firebase_admin
from firebase_admin import auth

from shared.domain.entry import is_uid
from shared.domain.errors import AppCheckFailed, NotSignedIn, Unavailable

_CLOCK_SKEW_S = 5
_TIMEOUT_S = 5.0  # for Google's certificates; firebase-admin would wait for two minutes
_SIGN_IN_AGAIN = "The sign-in has expired or is not valid - sign in again"


@dataclass(frozen=True, slots=True)
class User:
    """Who sent a request: the Firebase uid, and the e-mail address when it is verified.

    Firebase lets anyone sign up with anyone's address, so another address is not the user's.
    """

    uid: str
    email: str | None


class Identity:
    """Checks the ID tokens of one Firebase project, and its App Check tokens if it requires them."""

    def __init__(self, project: str, *, app_check: bool = False) -> None:
        self._app = _app_of(project)
        self._app_check = app_check

    def user_of(self, authorization: str | None, app_check_token: str | None = None) -> User:
        """Return the user whose ID token an Authorization header (`Bearer …`) carries.

        Raises:
            NotSignedIn: there is none, it is not valid for this project (or no longer), or its uid cannot name a
                document.
            AppCheckFailed: App Check is required, and the token of X-Firebase-AppCheck is not valid.
            Unavailable: Google's certificates cannot be fetched.
        """
        user = self._user_of(authorization)
        if self._app_check:
            self._check_app(app_check_token)
        return user

    def _user_of(self, authorization: str | None) -> User:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotSignedIn
        try:
            claims = auth.verify_id_token(token.strip(), app=self._app, clock_skew_seconds=_CLOCK_SKEW_S)
        except auth.CertificateFetchError as error:
            raise Unavailable("identity_unavailable") from error
        except (auth.InvalidIdTokenError, auth.UserDisabledError, ValueError, RecursionError) as error:
            raise NotSignedIn(_SIGN_IN_AGAIN) from error
        if not is_uid(claims["uid"]):  # with an identity provider of their own, a project can give out any
            raise NotSignedIn(_SIGN_IN_AGAIN)
        email = claims.get("email")
        return User(claims["uid"], email if isinstance(email, str) and claims.get("email_verified") is True else None)

    def _check_app(self, token: str | None) -> None:
        # Imported at their first use: only projects that require App Check need them.
        from firebase_admin import app_check  # noqa: PLC0415
        from jwt import PyJWKClientConnectionError, PyJWTError  # noqa: PLC0415

        try:
            app_check.verify_token(token or "", app=self._app)
        except PyJWKClientConnectionError as error:
            raise Unavailable("identity_unavailable") from error
        except (PyJWTError, ValueError, RecursionError) as error:
            raise AppCheckFailed from error


def _app_of(project: str) -> firebase_admin.App:
    """Return the project's Firebase app. An instance's first requests may ask at once: one of them makes it."""
    name = f"identity-{project}"
    try:
        return firebase_admin.initialize_app(options={"projectId": project, "httpTimeout": _TIMEOUT_S}, name=name)
    except ValueError:
        return firebase_admin.get_app(name)
