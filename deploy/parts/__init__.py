"""The parts of a deployment, in the order in which they are carried out."""

from collections.abc import Callable, Mapping

from deploy.deployment import Deployment
from deploy.parts import (
    app_check,
    budget,
    exports,
    federation,
    firebase,
    firestore,
    functions,
    ground,
    hosting,
    lien,
    logs,
    messages,
    monitoring,
    secrets,
    sign_in,
)

Part = Callable[[Deployment], None]

BOOTSTRAP: Mapping[str, Part] = {
    "apis": ground.apis,
    "federation": federation.federation,
    "accounts": ground.service_accounts,
    "roles": ground.roles,
    "storage": ground.storage,
    "lien": lien.lien,
    "firestore": firestore.database,
    "topics": messages.topics,
    "subscriptions": messages.subscriptions,
    "secrets": secrets.secrets,
    "logs": logs.logs,
    "exports": exports.exports,
    "budget": budget.budget,
    "firebase": firebase.firebase,
    "sign-in": sign_in.sign_in,
    "app-check": app_check.app_check,
}
"""What a person with the owner's rights does once, and again when the tables change."""

UNSEEN = frozenset({"budget"})
"""Parts that continuous integration cannot compare: a budget belongs to the billing account."""

RELEASE: Mapping[str, Part] = {
    "rules": firestore.rules,
    "indexes": firestore.indexes,
    "functions": functions.functions,
    "invokers": functions.invokers,
    "jobs": functions.jobs,
    "metrics": monitoring.metrics,
    "uptime": monitoring.uptime,
    "alerts": monitoring.alerts,
    "dashboard": monitoring.dashboard,
    "hosting": hosting.hosting,
}
"""What every release does; continuous integration has the rights for it."""

LEFT = frozenset({"apis", "federation", "firebase", "sign-in", "app-check", "rules", "hosting"})
"""Parts whose results stay when an environment is destroyed: the project may hold more of an app than this, and a
deleted identity pool keeps its name for 30 days."""

PARTS: Mapping[str, Part] = {**BOOTSTRAP, **RELEASE}
"""Every part by the name that --only and --skip take; the first line of its docstring is printed."""
