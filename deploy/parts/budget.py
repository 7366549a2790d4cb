"""The budget: emails to the project's owners and the billing account's administrators before a bill surprises them."""

from typing import Any

from deploy.commands import listing
from deploy.deployment import Deployment
from deploy.google_cloud import rest
from deploy.resource import OWNER, Kind, Resource

# By REST: gcloud lists the budgets of a billing account, which a project's owner may not see.
_API = "https://billingbudgets.googleapis.com/v1"
_MASK = "amount,budgetFilter,displayName,notificationsRule,ownershipScope,thresholdRules"


def budget(deployment: Deployment) -> None:
    """Alert when a month's bill reaches half, nine tenths or all of the budget, or is forecast to exceed it."""
    environment = deployment.environment
    name = f"{OWNER}: {environment.project}"
    link = Kind("billing", listing("billing", "projects", "describe", environment.project), lambda _: "account")
    hint = f"gcloud billing projects link {environment.project} --billing-account=ACCOUNT"
    state = deployment.executor.ensure(Resource(link, "account", None, desired={"billingEnabled": True}, hint=hint))
    account = state.get("billingAccountName") or "billingAccounts/ACCOUNT"
    kind = Kind(
        "budget",
        rest("GET", f"{_API}/{account}/budgets?scope=projects/{environment.project}"),
        lambda state: str(state.get("displayName")),
        lambda state: state.get("displayName") == name,
        lambda state: rest("DELETE", f"{_API}/{state['name']}"),
        items="budgets",
    )
    deployment.executor.own(kind)
    if environment.monthly_budget:
        wanted = definition(deployment, name)
        deployment.executor.ensure(
            Resource(
                kind,
                name,
                rest("POST", f"{_API}/{account}/budgets", wanted),
                lambda state: [rest("PATCH", f"{_API}/{state['name']}?updateMask={_MASK}", wanted)],
                desired=wanted,
            )
        )


def definition(deployment: Deployment, name: str) -> dict[str, Any]:
    """Return the budget as the API takes it; its currency is the billing account's."""
    environment = deployment.environment
    return {
        "displayName": name,
        "amount": {"specifiedAmount": {"units": str(environment.monthly_budget)}},
        "budgetFilter": {
            "projects": [f"projects/{environment.number}"],
            "calendarPeriod": "MONTH",
            "creditTypesTreatment": "INCLUDE_ALL_CREDITS",
        },
        "thresholdRules": [
            *({"thresholdPercent": share, "spendBasis": "CURRENT_SPEND"} for share in (0.5, 0.9, 1.0)),
            {"thresholdPercent": 1.0, "spendBasis": "FORECASTED_SPEND"},
        ],
        "notificationsRule": {"enableProjectLevelRecipients": True, "disableDefaultIamRecipients": False},
        "ownershipScope": "ALL_USERS",
    }
