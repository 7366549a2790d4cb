"""Checks of what the organization forbids, and of quotas: both stop a deployment in its middle otherwise."""

from typing import Any

from deploy.commands import gcloud, listing
from deploy.environment import DeployError
from deploy.preflight import Findings, Subject


def check(subject: Subject, findings: Findings) -> None:
    """Check organization policies and quotas; both need APIs that the first deployment enables."""
    environment = subject.environment
    if subject.has("functions"):
        if any(row.path for row in subject.functions) and _is_enforced(
            _rules(subject, findings, "run.managed.requireInvokerIam")
        ):
            _forbidden(subject, findings, "run.managed.requireInvokerIam", "public functions")
        allowed = _allowed(_rules(subject, findings, "run.allowedIngress"))
        needed = {row.ingress for row in subject.functions}
        if allowed is not None and not needed <= {value.removeprefix("is:") for value in allowed}:
            _forbidden(subject, findings, "run.allowedIngress", f"ingress {' and '.join(sorted(needed))}")
        _quota(subject, findings)
    if subject.has("accounts") and _is_enforced(_rules(subject, findings, "iam.disableServiceAccountCreation")):
        _forbidden(subject, findings, "iam.disableServiceAccountCreation", "new service accounts")
    if subject.has("functions", "firestore", "storage"):
        locations = _allowed(_rules(subject, findings, "gcp.resourceLocations"))
        for location in dict.fromkeys((environment.region, environment.database_location)):
            if locations is not None and not any(_includes(value, location) for value in locations):
                _forbidden(subject, findings, "gcp.resourceLocations", f"the location {location}")
    if (
        any(environment.callers.values())
        and _allowed(_rules(subject, findings, "iam.allowedPolicyMemberDomains")) is not None
    ):
        findings.note("callers of another organization will be refused (iam.allowedPolicyMemberDomains)")


def _rules(subject: Subject, findings: Findings, constraint: str) -> list[dict[str, Any]]:
    """Return the rules of a constraint that are in force for the project."""
    project = f"--project={subject.environment.project}"
    try:
        policy = subject.cloud.read(listing("org-policies", "describe", constraint, "--effective", project))
    except DeployError as error:
        findings.note(f"the policy {constraint} could not be checked: {str(error).splitlines()[0]}")
        return []
    rules: list[dict[str, Any]] = (policy or {}).get("spec", {}).get("rules", [])
    return rules


def _is_enforced(rules: list[dict[str, Any]]) -> bool:
    return any(rule.get("enforce") for rule in rules)


def _allowed(rules: list[dict[str, Any]]) -> list[str] | None:
    """Return the only values that rules allow; None if they allow all."""
    if any(rule.get("denyAll") for rule in rules):
        return []
    listed = [value for rule in rules for value in rule.get("values", {}).get("allowedValues", [])]
    return listed or None


def _includes(value: str, location: str) -> bool:
    """Return whether an allowed value, such as in:us-locations or us-central1, includes a location."""
    if not value.startswith("in:"):
        return value.removeprefix("is:") == location
    group = value.removeprefix("in:").removesuffix("-locations")
    return location.startswith({"eu": "eur"}.get(group, group)) or (group == "us" and location == "nam5")


def _forbidden(subject: Subject, findings: Findings, constraint: str, what: str) -> None:
    findings.missing(
        f"the organization's policy {constraint} forbids {what}",
        f"ask its administrator for an exception: gcloud org-policies reset {constraint} "
        f"--project={subject.environment.project}",
    )


def _quota(subject: Subject, findings: Findings) -> None:
    environment = subject.environment
    needed = sum(row.max_instances * row.cpu for row in subject.functions)
    quota = "CpuAllocPerProjectRegion"
    look = gcloud(
        "beta",
        "quotas",
        "info",
        "describe",
        quota,
        "--service=run.googleapis.com",
        f"--project={environment.project}",
        "--format=json",
    )
    try:
        information = subject.cloud.read(look)
    except DeployError as error:
        findings.note(f"the quota {quota} could not be checked: {str(error).splitlines()[0]}")
        return
    for one in information.get("dimensionsInfos", []):
        regions = one.get("applicableLocations") or [one.get("dimensions", {}).get("region")]
        granted = int(one.get("details", {}).get("value", 0)) // 1000
        if environment.region in regions and 0 <= granted < needed:
            findings.note(
                f"all functions at their maximum take {needed} CPUs; {environment.region} grants {granted}. "
                "Lower max_instances, or ask for more: https://console.cloud.google.com/iam-admin/quotas"
            )
