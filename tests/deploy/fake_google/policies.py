"""IAM policies: members are added and removed one by one, and conditions are part of a binding."""

from typing import Any

from tests.deploy.fake_google.arguments import Arguments, GcloudError

Policies = dict[str, dict[str, Any]]


def bindings_of(policies: Policies, resource: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policies.setdefault(resource, {"etag": "ACAB", "bindings": []})["bindings"]
    return found


def add(policies: Policies, resource: str, member: str, role: str, condition: dict[str, str] | None = None) -> None:
    for binding in bindings_of(policies, resource):
        if binding["role"] == role and binding.get("condition") == condition:
            binding["members"] = sorted({*binding["members"], member})
            return
    binding = {"role": role, "members": [member]}
    bindings_of(policies, resource).append(binding | ({"condition": condition} if condition else {}))


def remove(policies: Policies, resource: str, arguments: Arguments) -> None:
    member, role = arguments.get("--member"), arguments.get("--role")
    fitting = [
        binding
        for binding in bindings_of(policies, resource)
        if binding["role"] == role and member in binding["members"]
    ]
    if not fitting:
        raise GcloudError(f"Policy binding with the specified principal and role not found! {member} {role}")
    if any("condition" in binding for binding in fitting) and not arguments.has("--all"):
        raise GcloudError("Removing a binding without specifying a condition from a policy containing conditions")
    for binding in fitting:
        binding["members"].remove(member)
    policies[resource]["bindings"] = [binding for binding in bindings_of(policies, resource) if binding["members"]]


def flattened(policies: Policies, resource: str) -> list[dict[str, Any]]:
    """Return what --flatten=bindings[].members prints."""
    return [
        {"bindings": {"role": binding["role"], "members": member}}
        for binding in bindings_of(policies, resource)
        for member in binding["members"]
    ]


def act(state: dict[str, Any], arguments: Arguments) -> object:
    """Carry out a policy command; return what it prints."""
    *kind, verb, name = arguments.words
    resource = " ".join([*kind, name])
    policies: Policies = state["policies"]
    if verb == "get-iam-policy":
        _refuse_unknown(state, kind, name)
        if arguments.has("--flatten"):
            return flattened(policies, resource)
        policy = policies.get(resource)
        return policy if policy and policy["bindings"] else {"etag": "ACAB"}
    _refuse_unknown(state, kind, name)
    if verb == "remove-iam-policy-binding":
        remove(policies, resource, arguments)
        return None
    member = arguments.get("--member")
    account, _, domain = member.removeprefix("serviceAccount:").partition("@")
    if domain == f"{state['project']}.iam.gserviceaccount.com" and not _has(state, "iam service-accounts", account):
        raise GcloudError(f"INVALID_ARGUMENT: Service account {account}@{domain} does not exist.")
    if member in ("allUsers", "allAuthenticatedUsers") and "allUsers" in state["refused_members"]:
        raise GcloudError(
            "FAILED_PRECONDITION: One or more users named in the policy do not belong to a permitted customer"
        )
    if member.startswith("user:") and member in state["refused_members"]:
        raise GcloudError(f"INVALID_ARGUMENT: User {member.removeprefix('user:')} does not exist.")
    add(policies, resource, member, arguments.get("--role"))
    return None


def _refuse_unknown(state: dict[str, Any], kind: list[str], name: str) -> None:
    if kind != ["projects"] and not _has(state, " ".join(kind), name.removeprefix("gs://")):
        raise GcloudError(f"NOT_FOUND: {' '.join(kind)} {name}")


def _has(state: dict[str, Any], kind: str, name: str) -> bool:
    return (
        name.partition("@")[0] in state["kinds"].get(kind, {})
        if kind == "iam service-accounts"
        else name in state["kinds"].get(kind, {})
    )
