"""The parts of a deployment, in the order in which they are carried out."""

from collections.abc import Callable, Mapping

from deploy.deployment import Deployment
from deploy.parts import data, functions, ground, messages, monitoring, pages, secrets

PARTS: Mapping[str, Callable[[Deployment], None]] = {
    "apis": ground.apis,
    "accounts": ground.accounts,
    "firestore": data.firestore,
    "rules": data.rules,
    "topics": messages.topics,
    "subscriptions": messages.subscriptions,
    "secrets": secrets.secrets,
    "functions": functions.functions,
    "invokers": functions.invokers,
    "jobs": functions.jobs,
    "metrics": monitoring.metrics,
    "alerts": monitoring.alerts,
    "dashboard": monitoring.dashboard,
    "hosting": pages.hosting,
}
"""Every part by the name that --only and --skip take; the first line of its docstring is printed."""
