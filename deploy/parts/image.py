"""The image that every function runs: built once per content, and promoted by digest from one project to the next."""

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.parts.ground import REPOSITORY, bucket
from deploy.resource import Kind, Resource, State, last_part
from deploy.stage import digest, stage
from topology.functions import ROOT

_IMAGE = "functions"


def image(deployment: Deployment) -> str:
    """Make sure that the image of this checkout's content exists, and return its address with its digest.

    An environment that promotes another's images never builds: what was tested there is what runs here.
    """
    environment = deployment.environment
    registry = f"{environment.region}-docker.pkg.dev/{environment.images_project}/{REPOSITORY}/{_IMAGE}"
    folder = stage(deployment.stage / _IMAGE)
    tag = digest(folder)
    source = environment.promotes
    resource = Resource(
        Kind("image", gcloud("artifacts", "docker", "tags", "list", registry, "--format=json"), _tag_of),
        tag,
        None
        if source
        else gcloud(
            "builds",
            "submit",
            deployment.path(folder),
            f"--config={deployment.path(ROOT / 'deploy' / 'image' / 'cloudbuild.yaml')}",
            f"--substitutions=_IMAGE={registry}:{tag},_COMMIT={deployment.commit}",
            f"--gcs-source-staging-dir=gs://{bucket(environment.project)}/source",
            deployment.region,
            deployment.project,
        ),
        reread=True,
        hint=f"Deploy this commit to {source} first: ./deploy.sh {source}",
    )
    state = deployment.executor.ensure(resource)
    return f"{registry}@{last_part(state, 'version') or 'sha256:DIGEST'}"


def _tag_of(state: State) -> str | None:
    return last_part(state, "tag")
