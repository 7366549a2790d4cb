"""Cloud Storage and the registry: the lock, its bucket, and images with their tags."""

import hashlib
import re
from typing import Any

from tests.deploy.fake_google import policies
from tests.deploy.fake_google.arguments import Arguments, GcloudError, parse


def act(state: dict[str, Any], command: tuple[str, ...], stdin: str) -> str:
    """Carry out a command on an object; return what it prints."""
    arguments = parse(command)
    verb, address = arguments.words[1], arguments.words[-1]
    if verb == "objects":
        address = arguments.words[3]
    if address.removeprefix("gs://").partition("/")[0] not in state["kinds"].get("storage buckets", {}):
        raise GcloudError("ERROR: HTTPError 404: The specified bucket does not exist.")
    objects: dict[str, Any] = state["objects"]
    if verb == "rm" and arguments.has("--recursive"):
        return _delete_bucket(state, address, command)
    if verb == "cp":
        if arguments.get("--if-generation-match") == "0" and address in objects:
            raise GcloudError("HTTPError 412: At least one of the pre-conditions you specified did not hold.")
        state["generation"] = state.get("generation", 0) + 1
        objects[address] = {"content": stdin, "generation": str(state["generation"])}
        return ""
    if address not in objects:
        raise GcloudError(f"ERROR: 404: {address} not found")
    if verb == "cat":
        return str(objects[address]["content"])
    if verb == "rm":
        wanted = arguments.get("--if-generation-match", objects[address]["generation"])
        if wanted != objects[address]["generation"]:
            raise GcloudError("HTTPError 412: conditionNotMet")
        del objects[address]
        return ""
    return f'{{"generation": "{objects[address]["generation"]}"}}'


def _delete_bucket(state: dict[str, Any], address: str, command: tuple[str, ...]) -> str:
    del state["kinds"]["storage buckets"][address.removeprefix("gs://")]
    state["objects"] = {name: one for name, one in state["objects"].items() if not name.startswith(f"{address}/")}
    state["changes"].append(" ".join(command).removeprefix("gcloud "))
    return ""


def build(state: dict[str, Any], arguments: Arguments) -> None:
    """Build an image from a folder: the same files give the same digest here, too."""
    image = arguments.pairs("--substitutions")["_IMAGE"]
    package, _, tag = image.rpartition(":")
    digest = hashlib.sha256(image.encode()).hexdigest()
    tags = state["kinds"].setdefault("artifacts docker tags", {})
    tags[tag] = {"tag": f"projects/p/tags/{tag}", "image": package, "version": f"projects/p/versions/sha256:{digest}"}


def project_of_images(command: tuple[str, ...]) -> str:
    """Return the project of the registry that a command names; empty if it names none."""
    text = " ".join(command)
    found = re.search(r"-docker\.pkg\.dev/([\w-]+)/", text) or re.search(
        r"^gcloud artifacts .*--project=([\w-]+)", text
    )
    return found[1] if found else ""


def refuse_reader(state: dict[str, Any], account: str) -> None:
    """Cloud Run pulls an image as its own service agent.

    Raises:
        GcloudError: the registry does not let it.
    """
    bindings = policies.bindings_of(state["policies"], "artifacts repositories token-economy")
    if not any(f"serviceAccount:{account}" in binding["members"] for binding in bindings):
        raise GcloudError(f"Google Cloud Run Service Agent {account} must have permission to read the image")
