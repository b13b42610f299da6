"""Has botocore, boto3 and the AWS CLI read every file of the matrix, before the edit and after it."""

import json
import os
import pathlib
import subprocess
import sys

import boto3
import botocore.configloader
import botocore.exceptions

folder, cli = pathlib.Path(sys.argv[1]), sys.argv[2]
os.environ["AWS_CONFIG_FILE"] = os.devnull
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
counts = {"read": 0, "unreadable": 0, "boto3": 0, "cli": 0}


def raw(path):
    try:
        botocore.configloader.raw_config_parse(str(path))
        return botocore.configloader.raw_config_parse(str(path), parse_subsections=False)
    except botocore.exceptions.ConfigParseError:
        return None


def credentials(path, profile):
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(path)
    try:
        found = boto3.Session(profile_name=profile).get_credentials()
    except (botocore.exceptions.ProfileNotFound, botocore.exceptions.PartialCredentialsError):
        return None
    return found and [found.access_key, found.secret_key, found.token]


def configured(path, profile, key):
    environment = {**os.environ, "AWS_SHARED_CREDENTIALS_FILE": str(path)}
    found = subprocess.run(
        [cli, "configure", "get", key, "--profile", profile], env=environment, capture_output=True, text=True
    )
    return found.stdout.strip()


for place in sorted(folder.iterdir()):
    case = json.loads((place / "case.json").read_text())
    before, after, profile = raw(place / "before"), raw(place / "after"), case["profile"]
    at = f"{place.name} ({case['title']})"
    assert before == case["before"]["botocore"], f"{at}: botocore reads the first file in another way than our model"
    assert after == case["after"]["botocore"], f"{at}: botocore reads the second file in another way than our model"
    if before is None:
        counts["unreadable"] += 1
        continue
    counts["read"] += 1
    assert after is not None, f"{at}: botocore can no longer read the file"
    others = [{name: keys for name, keys in read.items() if name != profile} for read in (before, after)]
    assert others[0] == others[1], f"{at}: botocore reads another profile in another way"
    written = case["keys"] if case["outcome"] == "written" else None
    if written:
        assert {key: after[profile].get(key) for key in written} == written, f"{at}: botocore finds other keys"
    if not case["curated"]:
        continue
    counts["boto3"] += 1
    if written:
        assert credentials(place / "after", profile) == list(written.values()), f"{at}: boto3 finds other keys"
    for name in others[0]:
        assert credentials(place / "before", name) == credentials(place / "after", name), f"{at}: boto3, {name}"
    if profile == "dev":
        counts["cli"] += 1
        if written:
            found = configured(place / "after", profile, "aws_session_token")
            assert found == written["aws_session_token"], f"{at}: the AWS CLI finds another token"
        if "other" in others[0]:
            found = configured(place / "after", "other", "aws_secret_access_key")
            assert found == others[0]["other"]["aws_secret_access_key"], f"{at}: the AWS CLI, other"

assert counts["read"] > 100 and counts["cli"] > 5, f"too little was compared: {counts}"
print("botocore, boto3, AWS CLI:", counts)
