"""Firebase Authentication: a configuration with secrets in it, and the providers that sign users in."""

from typing import Any
from urllib.parse import SplitResult, parse_qs

_PROVIDERS = "defaultSupportedIdpConfigs"


def turn_on(state: dict[str, Any], providers: dict[str, Any]) -> None:
    """Do what `firebase deploy --only=auth` does: it adds, and resets nothing."""
    project = state["project"]
    sign_in = state["sign_in"]
    configuration = sign_in.setdefault(
        "configuration",
        {
            "name": f"projects/{project}/config",
            "signIn": {"hashConfig": {"algorithm": "SCRYPT", "signerKey": "the key of all password hashes"}},
            "authorizedDomains": ["localhost", f"{project}.firebaseapp.com", f"{project}.web.app"],
            "subtype": "FIREBASE_AUTH",
        },
    )
    if providers.get("emailPassword"):
        configuration["signIn"]["email"] = {"enabled": True}
    if "googleSignIn" in providers:
        put_provider(state, "google.com")


def put_provider(state: dict[str, Any], name: str) -> dict[str, Any]:
    provider = {
        "name": f"projects/{state['project']}/{_PROVIDERS}/{name}",
        "enabled": True,
        "clientId": "123.apps.googleusercontent.com",
        "clientSecret": "the secret of a client",
    }
    state["sign_in"].setdefault("providers", {})[name] = provider
    return provider


def answer(state: dict[str, Any], method: str, url: SplitResult, body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the answer; None if Firebase Authentication was never turned on, or there is no such provider."""
    sign_in, query = state["sign_in"], parse_qs(url.query)
    if not sign_in:
        return None
    if url.path.endswith("/config"):
        if method == "PATCH":
            for path in query["updateMask"][0].split(","):
                _copy(sign_in["configuration"], body, path.split("."))
        return _without_secrets(sign_in["configuration"], query)
    providers = sign_in.get("providers", {})
    if method == "GET":
        listed = [_without_secrets(provider, query) for provider in providers.values()]
        return {_PROVIDERS: listed} if listed else {}
    provider = providers.get(url.path.rpartition("/")[2])
    if provider is None:
        return None
    provider |= body
    return _without_secrets(provider, query)


def _copy(target: dict[str, Any], source: dict[str, Any], path: list[str]) -> None:
    """Set the field at a path as the body has it; one that the body lacks is cleared."""
    *parents, last = path
    for key in parents:
        target, source = target.setdefault(key, {}), source.get(key, {})
    if last in source:
        target[last] = source[last]
    else:
        target.pop(last, None)


def _without_secrets(found: dict[str, Any], query: dict[str, list[str]]) -> dict[str, Any]:
    """Return what was asked for: without `fields`, that is everything."""
    if "fields" not in query:
        return found
    shown = {key: value for key, value in found.items() if key not in ("clientId", "clientSecret", "subtype")}
    if "signIn" in shown:
        shown["signIn"] = {key: value for key, value in shown["signIn"].items() if key != "hashConfig"}
    return shown
