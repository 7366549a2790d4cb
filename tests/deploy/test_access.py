"""Rights: exactly those of the tables, member by member, on everything that is ours."""

import re
from collections.abc import Collection
from dataclasses import replace

import pytest

from deploy.environment import DeployError
from deploy.parts import PARTS, RELEASE, UNSEEN, services
from deploy.report import Report
from tests.deploy.fake_google import permissions, policies
from tests.deploy.project import Project
from topology.functions import ROOT, load_functions

PROJECT = "projects token-economy-prod"
OURS = "serviceAccount:get-balance@token-economy-prod.iam.gserviceaccount.com"
# resource → the part that owns its policy
RESOURCES = {
    "run services credit-tokens": "invokers",
    "run services get-balance": "invokers",
    "pubsub topics stripe-events": "topics",
    "pubsub subscriptions credit-tokens": "subscriptions",
    "pubsub subscriptions stripe-events-dead": "subscriptions",
    "secrets stripe-secret-key": "secrets",
    "secrets stripe-publishable-key": "secrets",
    "iam service-accounts releaser@token-economy-prod.iam.gserviceaccount.com": "accounts",
    "storage buckets gs://token-economy-prod-deployments": "storage",
    "artifacts repositories token-economy": "storage",
}
STRANGERS = ("allUsers", "group:others@company.test", "serviceAccount:x@elsewhere.iam.gserviceaccount.com")
CONDITION = {"title": "until", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}


def members(project: Project, resource: str) -> set[tuple[str, str]]:
    bindings = policies.bindings_of(project.state["policies"], resource)
    return {(binding["role"], member) for binding in bindings for member in binding["members"]}


@pytest.mark.parametrize("member", STRANGERS)
@pytest.mark.parametrize("resource", RESOURCES)
def test_a_member_added_by_hand_is_reported_and_removed(project: Project, resource: str, member: str) -> None:
    part = RESOURCES[resource]
    before = members(project, resource)
    policies.add(project.state["policies"], resource, member, "roles/owner")

    report = project.check(part)
    changes = project.deploy(part)

    assert [one.name for one in report.rights] == [f"roles/owner on {resource.rsplit(maxsplit=1)[-1]} for {member}"]
    assert members(project, resource) == before
    assert len(changes) == 1
    assert "remove-iam-policy-binding" in changes[0]
    assert project.check(part).is_empty
    assert project.deploy(part) == []


def test_a_credit_function_opened_to_everybody_is_closed(project: Project) -> None:
    policies.add(project.state["policies"], "run services credit-tokens", "allUsers", "roles/run.invoker")

    assert not project.check("invokers").is_empty
    project.deploy("invokers")

    assert members(project, "run services credit-tokens") == {
        ("roles/run.invoker", "serviceAccount:pubsub-push@token-economy-prod.iam.gserviceaccount.com")
    }


def test_a_condition_is_removed_and_the_right_itself_stays(project: Project) -> None:
    resource, member = (
        "secrets stripe-webhook-secret",
        "serviceAccount:stripe-webhook@token-economy-prod.iam.gserviceaccount.com",
    )
    role = "roles/secretmanager.secretAccessor"
    policies.add(project.state["policies"], resource, member, role, CONDITION)

    project.deploy("secrets")

    assert project.state["policies"][resource]["bindings"] == [{"role": role, "members": [member]}]
    assert project.deploy("secrets") == []


def test_a_subscription_with_a_condition_is_put_right_too(project: Project) -> None:
    """The released command for Pub/Sub knows no conditions."""
    policies.add(project.state["policies"], "pubsub topics stripe-events", STRANGERS[1], "roles/editor", CONDITION)

    assert [change.split()[0] for change in project.deploy("topics")] == ["alpha"]
    assert project.check("topics").is_empty


def test_who_may_call_is_who_the_tables_name_now(project: Project) -> None:
    project.environment = replace(project.environment, callers={"spend_tokens": ("serviceAccount:new@company.test",)})

    project.deploy("invokers")

    assert members(project, "run services spend-tokens") == {("roles/run.invoker", "serviceAccount:new@company.test")}
    assert project.deploy("invokers") == []


def test_each_private_function_has_callers_of_its_own(project: Project) -> None:
    """Who may spend may not mint; and nobody calls a function for which the environment names nobody."""
    spend = next(row for row in project.functions if row.name == "spend_tokens")
    project.functions += [replace(spend, name="mint_tokens"), replace(spend, name="burn_tokens")]
    minters = "serviceAccount:support@company.iam.gserviceaccount.com"
    project.environment = replace(
        project.environment, callers={**project.environment.callers, "mint_tokens": (minters,)}
    )
    project.deploy()
    policies.add(
        project.state["policies"], "run services mint-tokens", "group:backends@company.test", "roles/run.invoker"
    )

    report = project.check()
    project.deploy("invokers")

    assert [one.name for one in report.rights] == ["roles/run.invoker on mint-tokens for group:backends@company.test"]
    assert members(project, "run services spend-tokens") == {
        ("roles/run.invoker", "serviceAccount:backend@company.test")
    }
    assert members(project, "run services mint-tokens") == {("roles/run.invoker", minters)}
    assert members(project, "run services burn-tokens") == set()
    assert project.check().is_empty


@pytest.mark.parametrize("role", ["roles/owner", "roles/datastore.user", "roles/iam.serviceAccountTokenCreator"])
def test_an_account_of_ours_loses_what_its_row_does_not_name(project: Project, role: str) -> None:
    policies.add(project.state["policies"], PROJECT, OURS, role)

    assert [one.name for one in project.check("roles").rights] == [f"{role} on token-economy-prod for {OURS}"]
    project.deploy("roles")
    assert (role, OURS) not in members(project, PROJECT)


@pytest.mark.parametrize("member", ["allUsers", "allAuthenticatedUsers"])
def test_the_project_is_closed_to_the_public(project: Project, member: str) -> None:
    policies.add(project.state["policies"], PROJECT, member, "roles/run.invoker")

    project.deploy("roles")

    assert ("roles/run.invoker", member) not in members(project, PROJECT)


def test_people_and_other_accounts_of_the_project_are_left_alone(project: Project) -> None:
    others = ("user:owner@company.test", "serviceAccount:firebase-adminsdk@token-economy-prod.iam.gserviceaccount.com")
    for member in others:
        policies.add(project.state["policies"], PROJECT, member, "roles/owner")

    assert project.check("roles").is_empty
    assert project.deploy("roles") == []


def test_the_owners_of_a_bucket_keep_the_roles_that_google_gives_them(project: Project) -> None:
    bucket = "storage buckets gs://token-economy-prod-deployments"
    owners = "projectOwner:token-economy-prod"
    policies.add(project.state["policies"], bucket, owners, "roles/storage.legacyBucketOwner")

    assert project.check("storage").is_empty


# --- removals are announced, and asked for where money is real


def add_stranger(project: Project) -> None:
    policies.add(project.state["policies"], "run services spend-tokens", "allUsers", "roles/run.invoker")


def test_removals_are_printed_first(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    add_stranger(project)
    project.deploy("invokers")

    printed = capsys.readouterr().out
    assert printed.index("To be removed:") < printed.index("remove-iam-policy-binding")


def test_in_prod_a_removal_is_asked_for(project: Project) -> None:
    add_stranger(project)
    questions = []

    def ask(question: str) -> bool:
        questions.append(question)
        return True

    assert project.deploy("invokers", yes=False, ask=ask)
    assert questions == ["Remove these from prod?"]


def test_a_no_changes_nothing(project: Project) -> None:
    add_stranger(project)
    with pytest.raises(DeployError, match="Nothing was changed"):
        project.deploy(yes=False, ask=lambda _: False)
    assert project.google.changes() == []


def test_where_nobody_can_be_asked_a_removal_needs_yes(project: Project) -> None:
    add_stranger(project)
    with pytest.raises(DeployError, match="--yes"):
        project.deploy(yes=False)
    assert project.google.changes() == []


def test_without_a_removal_nobody_is_asked(project: Project) -> None:
    project.service("get-balance")["metadata"]["annotations"]["run.googleapis.com/ingress"] = "internal"

    assert project.deploy(yes=False)


# --- what the tables give


def granted(project: Project) -> dict[str, set[str]]:
    """Return each account's rights: role on resource."""
    found: dict[str, set[str]] = {}
    for resource, policy in project.state["policies"].items():
        for binding in policy["bindings"]:
            for member in binding["members"]:
                account = re.sub(r"^serviceAccount:(.*)@token-economy-prod\..*", r"\1", member)
                role = binding["role"].rpartition("/")[2]
                found.setdefault(account, set()).add(f"{role} on {resource.split()[-1].partition('@')[0]}")
    return found


def test_accounts_have_only_the_roles_they_need(project: Project) -> None:
    rights = granted(project)
    assert rights["stripe-webhook"] == {
        "pubsub.publisher on stripe-events",
        "secretmanager.secretAccessor on stripe-webhook-secret",
    }
    assert rights["get-balance"] == {"datastore.viewer on token-economy-prod"}
    assert rights["tester"] == {"logging.logWriter on token-economy-prod"}
    assert "list-packages" not in rights


def test_only_the_intended_callers_may_call_a_function(project: Project) -> None:
    invokers = {
        resource.split()[-1]: {member for binding in policy["bindings"] for member in binding["members"]}
        for resource, policy in project.state["policies"].items()
        if resource.startswith("run services") and policy["bindings"]
    }
    rows = load_functions()
    without_callers = {row.service for row in rows if row.is_private and row.name not in project.environment.callers}
    assert invokers.keys() == {row.service for row in rows if not row.path} - without_callers
    assert invokers["credit-tokens"] == {"serviceAccount:pubsub-push@token-economy-prod.iam.gserviceaccount.com"}
    assert invokers["reconcile"] == {"serviceAccount:scheduler@token-economy-prod.iam.gserviceaccount.com"}
    assert invokers["spend-tokens"] == {"serviceAccount:backend@company.test"}


def callers_in(project: Project) -> dict[str, tuple[str, set[str]]]:
    """Return the audience and the accounts that each service expects."""
    found = {}
    for service in project.state["kinds"]["run services"].values():
        variables = services.view(service)["environment"]
        if "CALLER_AUDIENCE" in variables:
            emails = set(filter(None, variables.get("CALLER_EMAILS", "").split(",")))
            found[service["metadata"]["name"]] = (variables["CALLER_AUDIENCE"], emails)
    return found


def test_a_private_function_expects_the_tokens_that_its_callers_send(project: Project) -> None:
    expected = callers_in(project)
    private = [row for row in load_functions() if not row.path]
    assert expected.keys() == {row.service for row in private}
    for row in private:
        audience, emails = expected[row.service]
        assert audience == project.environment.url(row.service)
        assert {f"serviceAccount:{email}" for email in emails} == {
            member for _, member in members(project, f"run services {row.service}")
        }
        kinds = project.state["kinds"]
        sent = {"serviceAccountEmail": next(iter(emails), None), "audience": audience}
        if row.subscription:
            assert kinds["pubsub subscriptions"][row.subscription.name]["pushConfig"]["oidcToken"] == sent
        if row.schedule:
            assert kinds["scheduler jobs"][row.service]["httpTarget"]["oidcToken"] == sent


def test_a_group_of_callers_is_nobody_to_a_function(project: Project) -> None:
    environment = replace(project.environment, callers={"spend_tokens": ("group:backends@company.test",)})
    row = next(row for row in load_functions() if row.name == "spend_tokens")

    assert "CALLER_EMAILS" not in environment.variables(row)


def test_nothing_is_ever_granted_to_the_public(project: Project) -> None:
    """Organizations created since May 2024 refuse it: public functions have their invoker check switched off."""
    assert not {"allUsers", "allAuthenticatedUsers"} & granted(project).keys()


def test_the_releaser_may_grant_nothing_in_the_project_and_read_no_secret(project: Project) -> None:
    roles = {right.split(" on ")[0] for right in granted(project)["releaser"] if right.endswith("token-economy-prod")}
    assert not roles & {
        "owner",
        "editor",
        "resourcemanager.projectIamAdmin",
        "iam.serviceAccountAdmin",
        "iam.serviceAccountTokenCreator",
        "iam.securityAdmin",
        "secretmanager.admin",
        "secretmanager.secretAccessor",
        "datastore.owner",
        "datastore.user",
        "firebase.admin",
        "pubsub.admin",
        "storage.admin",
    }
    used = {
        right.split(" on ")[1] for right in granted(project)["releaser"] if right.startswith("iam.serviceAccountUser")
    }
    assert used == {*(row.service for row in load_functions()), "scheduler", "function-builder"}


def test_no_role_of_ours_deletes_documents(project: Project) -> None:
    held = project.resource("iam roles", "tokenLedger")["includedPermissions"]
    assert held
    assert not [name for name in held if name.endswith((".delete", ".bulkDelete", ".import"))]


# --- GitHub's jobs, without keys


def test_only_jobs_of_the_repositorys_main_branch_can_act_as_our_accounts(project: Project) -> None:
    provider = project.resource("iam workload-identity-pools providers", "github")
    assert provider["attributeCondition"] == (
        "assertion.repository == 'company/token-economy' && assertion.ref == 'refs/heads/main'"
    )
    pool = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github"
    rights = granted(project)
    assert rights[f"{pool}/attribute.environment/prod"] == {"iam.workloadIdentityUser on releaser"}
    assert rights[f"{pool}/attribute.environment/prod-check"] == {"iam.workloadIdentityUser on auditor"}


def test_without_a_repository_there_is_no_federation(new_project: Project) -> None:
    new_project.environment = replace(new_project.environment, github_repository="")
    new_project.deploy()

    assert "iam workload-identity-pools" not in new_project.state["kinds"]
    assert not [member for member in granted(new_project) if member.startswith("principalSet")]


def test_a_repository_that_is_no_longer_named_loses_its_rights(project: Project) -> None:
    project.environment = replace(project.environment, github_repository="")
    project.deploy(prune=True)

    assert project.state["kinds"]["iam workload-identity-pools"] == {}
    assert not [member for member in granted(project) if member.startswith("principalSet")]


# --- who compares


SEEN = tuple(name for name in PARTS if name not in UNSEEN)


def audit(project: Project, held: Collection[str]) -> Report:
    project.state["holds"] = sorted(held)
    return project.check(*(name for name in SEEN if name != "hosting"))


def test_the_auditors_role_is_enough_to_compare_everything(project: Project) -> None:
    role = project.resource("iam roles", "deploymentAuditor")
    assert audit(project, role["includedPermissions"]).is_empty


@pytest.mark.parametrize("permission", sorted(permissions.ALL))
def test_and_each_of_its_permissions_is_needed(project: Project, permission: str) -> None:
    role = project.resource("iam roles", "deploymentAuditor")
    with pytest.raises(DeployError, match=permission):
        audit(project, set(role["includedPermissions"]) - {permission})


def test_the_auditor_changes_nothing_and_reads_no_secret_and_no_document(project: Project) -> None:
    assert granted(project)["auditor"] == {
        "deploymentAuditor on token-economy-prod",
        "logging.logWriter on token-economy-prod",
    }
    held = project.resource("iam roles", "deploymentAuditor")["includedPermissions"]
    verbs = {name.rpartition(".")[2] for name in held}
    assert verbs == {"get", "getIamPolicy", "getMetadata", "list", "use"}
    assert not {"secretmanager.versions.access", "datastore.entities.get", "storage.objects.get"} & set(held)


def test_nobody_compares_a_budget_without_the_right_to_see_it(project: Project) -> None:
    """An owner does. A release compares all that an owner deploys, except for it."""
    script = (ROOT / ".ci" / "cloud_build").read_text() + (ROOT / ".github" / "workflows" / "release.yml").read_text()
    checks = [line for line in script.splitlines() if "deploy.sh" in line and "--check" in line]
    assert len(checks) == 2
    assert all("--skip budget" in line for line in checks)
    project.state["budgets"] = []
    project.state["refuse"] = {"billing projects describe": "PERMISSION_DENIED"}

    assert project.deploy(*(name for name in RELEASE if name != "hosting")) == []
