"""What curl gets: Google's REST APIs, and the pages of the project."""

import json
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tests.deploy.fake_google import authentication

TOKEN = "ya29.an-access-token"


def answer(state: dict[str, Any], command: tuple[str, ...], stdin: str) -> tuple[int, str]:
    """Return a call's HTTP status and body."""
    url = urlsplit(command[-1])
    project = state["project"]
    if url.netloc == f"{project}.web.app":
        return _page(state, url.path)
    if f"Bearer {TOKEN}" not in stdin:
        return 401, json.dumps({"error": {"status": "UNAUTHENTICATED"}})
    if url.netloc not in state["kinds"].get("services", {}):
        return 403, json.dumps({"error": {"status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}})
    body = json.loads(command[command.index("--json") + 1]) if "--json" in command else {}
    method = command[command.index("--request") + 1]
    if method != "GET" and not url.path.endswith(":testIamPermissions"):
        state["changes"].append(" ".join(command))
    if url.netloc == "identitytoolkit.googleapis.com":
        found = authentication.answer(state, method, url, body)
    elif url.netloc == "firebaseappcheck.googleapis.com":
        found = _app_check(state, method, url.path, body)
    elif url.netloc == "billingbudgets.googleapis.com":
        found = _budget(state, method, url.path, body)
    elif url.netloc == "firebasehosting.googleapis.com" and method != "GET":
        found = _link(state, url, body)
    else:
        found = _APIS[url.netloc](state, url.path, body)
    if found is None:
        return 404, json.dumps({"error": {"code": 404, "status": "NOT_FOUND"}})
    return 200, json.dumps(found)


def _page(state: dict[str, Any], path: str) -> tuple[int, str]:
    page = state["live"].get(path)
    return (404, "") if page is None else (200, page)


def _permissions(state: dict[str, Any], _path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    return {"permissions": [name for name in body["permissions"] if name not in state["lacking"]]}


def _rules(state: dict[str, Any], path: str, _body: dict[str, Any]) -> dict[str, Any] | None:
    if path.endswith("/releases/cloud.firestore"):
        return {"rulesetName": f"projects/{state['project']}/rulesets/1"} if state["rules"] else None
    return {"source": {"files": [{"name": "firestore.rules", "content": state["rules"]}]}}


def _firebase(state: dict[str, Any], path: str, _body: dict[str, Any]) -> dict[str, Any] | None:
    if not state["firebase"]:
        return None
    apps = [{"appId": "1:123:web:abc"}] if "app" in state["firebase"] else []
    return {"apps": apps} if path.endswith("/webApps") else {"projectId": state["project"]}


def _budget(state: dict[str, Any], method: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """Keep budgets; the account's currency is added, and a field at its default is left out."""
    if method == "GET":
        return {"budgets": state["budgets"]} if state["budgets"] else {}
    if method == "POST":
        body = {**body, "name": f"{path.removeprefix('/v1/')}/{len(state['budgets']) + 1}"}
        state["budgets"].append(body)
    found: dict[str, Any] | None = next(
        (one for one in state["budgets"] if path.endswith(one["name"]) or one is body), None
    )
    if found is None:
        return None
    if method == "DELETE":
        state["budgets"].remove(found)
        return {}
    found |= body
    found["amount"]["specifiedAmount"]["currencyCode"] = "EUR"
    found["notificationsRule"].pop("disableDefaultIamRecipients", None)
    return found


def _app_check(state: dict[str, Any], method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """List only what somebody set, as the API does."""
    if method == "PATCH":
        state["app_check"][path.rpartition("/")[2]] = body["enforcementMode"]
    services = [
        {"name": f"projects/1/services/{name}", "enforcementMode": mode} for name, mode in state["app_check"].items()
    ]
    return {"services": services} if services else {}


def _link(state: dict[str, Any], url: SplitResult, body: dict[str, Any]) -> dict[str, Any]:
    """Create a site, or change it; either links it to a web app."""
    assert f"siteId={state['project']}" in url.query or url.path.endswith(f"/sites/{state['project']}")
    assert body == {"appId": "1:123:web:abc"}
    state["firebase"] = list(dict.fromkeys([*state["firebase"], "site", "link"]))
    return {}


def _hosting(state: dict[str, Any], _path: str, _body: dict[str, Any]) -> dict[str, Any] | None:
    linked = {"appId": "1:123:web:abc"} if "link" in state["firebase"] else {}
    name = state["project"] if "site" in state["firebase"] else "another-site"
    return {"sites": [{"name": f"projects/{state['project']}/sites/{name}", **linked}]}


_APIS = {
    "cloudresourcemanager.googleapis.com": _permissions,
    "firebaserules.googleapis.com": _rules,
    "firebase.googleapis.com": _firebase,
    "firebasehosting.googleapis.com": _hosting,
}
