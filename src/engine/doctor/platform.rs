//! Where the platform gives and renews credentials by itself (ECS, EKS, Lambda, EC2), and whether a profile goes before
//! it: then nobody renews what that profile holds.

use super::ask::names_instance;
use super::behind;
use super::finding::{Cause, Finding, Mark};
use super::pick::{Origin, Tool, describe, origin};
use super::picture::{Answer, By, Container, Instance, Picture};
use super::session::is_over;

pub(super) fn findings(picture: &Picture) -> Vec<Finding> {
    let mut found = Vec::new();
    let platform = &picture.platform;
    if let Some(name) = &platform.lambda {
        found.push(match origin(picture) {
            // They go before the profile, unless that is named to the tool itself.
            _ if picture.exported.keys.whole() && Tool::Python.takes_exported_keys(picture.selected.by) => {
                let what = format!("Lambda renews the keys in the environment of the function {name}");
                Finding::ok(Cause::PlatformRenews, what)
            }
            other => shadowed(picture, &format!("the role of the Lambda function {name}"), other),
        });
    }
    if let Some(container) = platform.container {
        let (noun, role, agent) = match container {
            Container::Ecs => ("a container of ECS", "task role of ECS", "its agent renews the task role"),
            Container::EksPod => ("a pod of EKS", "role of this pod of EKS", "its agent renews the role of the pod"),
        };
        found.push(match origin(picture) {
            Origin::Container => given(picture).unwrap_or_else(|| renews(&format!("this is {noun}:"), agent)),
            other => shadowed(picture, &format!("the {role}"), other),
        });
    }
    if let Some(path) = &picture.exported.web_identity {
        let token = behind::token(picture, path).map(|finding| of_the_pod(finding, picture));
        let is_usable = token.as_ref().is_none_or(|finding| finding.mark == Mark::Ok);
        found.extend(token);
        found.extend(match origin(picture) {
            Origin::WebIdentityVariable => {
                Some(renews("this is a pod of EKS:", "EKS renews the web identity token in its file"))
            }
            other => is_usable
                .then(|| shadowed(picture, "the web identity of this pod (AWS_WEB_IDENTITY_TOKEN_FILE)", other)),
        });
    }
    found.extend(instance(picture));
    found
}

/// The token of the pod, of which a profile that is made from something else knows nothing.
fn of_the_pod(token: Finding, picture: &Picture) -> Finding {
    if origin(picture) == Origin::WebIdentityVariable || token.mark == Mark::Ok {
        return token;
    }
    Finding { mark: Mark::Warning, ..token }.why("programs that are started here without --profile use it")
}

fn renews(subject: &str, what: &str) -> Finding {
    Finding::ok(Cause::PlatformRenews, format!("{subject} {what}; SDKs ask it again in time"))
}

/// What is wrong with what the platform gives.
fn given(picture: &Picture) -> Option<Finding> {
    let Answer::Unresolved { message, .. } = &picture.answer else { return None };
    let what = format!("the platform should provide credentials here, but does not: {message}");
    Some(Finding::fault(Cause::SourceFails, what).fix("aws sts get-caller-identity --debug"))
}

/// The instance has a role, and has no keys for it.
fn without_keys(picture: &Picture, role: &str) -> Option<Finding> {
    let Answer::Unresolved { .. } = &picture.answer else { return None };
    let what = format!("this instance of EC2 has the role {role}, and its metadata service gives no keys for it");
    let why = "the trust policy of the role must let ec2.amazonaws.com assume it; after a change it takes some minutes";
    let fix = format!("aws iam get-role --role-name {role} --query Role.AssumeRolePolicyDocument");
    Some(Finding::fault(Cause::InstanceRole, what).why(why).fix(fix))
}

/// The platform has a role, and another origin goes before it.
fn shadowed(picture: &Picture, role: &str, origin: Origin) -> Finding {
    if origin == Origin::Nothing {
        return Finding::ok(Cause::PlatformRenews, format!("{role} gives credentials, and renews them"));
    }
    let name = picture.profile();
    let what = format!("{role} is not used: the tools pick {} before it", describe(origin, picture));
    let finding = if is_over(picture) {
        Finding::fault(Cause::PlatformShadowed, what).after(format!("it hides {role}, which would renew by itself"))
    } else {
        Finding::warning(Cause::PlatformShadowed, what)
    };
    let finding = finding
        .why("the platform would renew its credentials by itself; those of a profile end unless something renews them");
    match (picture.selected.by, origin) {
        (By::Variable(variable), _) => finding.fix(format!("unset {variable}")),
        (_, Origin::ConfigKeys) => finding.fix(format!("take [{name}] out of {}", picture.config_file.path)),
        _ => finding.fix(format!("take [{name}] out of {}", picture.credentials_file.path)),
    }
}

fn instance(picture: &Picture) -> Option<Finding> {
    let origin = origin(picture);
    let wants = picture.aws.profiles.get(picture.profile()).is_some_and(|section| {
        section.get("credential_source").is_some_and(|source| source.eq_ignore_ascii_case("Ec2InstanceMetadata"))
    });
    // What evertoken has yet to write is not what tools fall to.
    let is_fallen_to = origin == Origin::Nothing && !picture.exported.keys.any() && picture.entry().is_none();
    let needed = wants || names_instance(picture) || is_fallen_to;
    let marked = |cause: Cause, what: &str| {
        if needed { Finding::fault(cause, what) } else { Finding::warning(cause, what) }
    };
    match &picture.platform.instance {
        Instance::NotAsked => None,
        Instance::Disabled if wants => Some(
            Finding::fault(
                Cause::InstanceRole,
                "AWS_EC2_METADATA_DISABLED keeps tools from asking the instance for its role",
            )
            .fix("unset AWS_EC2_METADATA_DISABLED"),
        ),
        Instance::Disabled => None,
        Instance::Silent => wants.then(|| {
            let what = "no metadata service of EC2 answers here: this is no instance, or a firewall keeps it away";
            Finding::fault(Cause::InstanceRole, what).fix("curl -sS -m 2 http://169.254.169.254/latest/meta-data/")
        }),
        Instance::NoToken => Some(
            marked(Cause::HopLimit, "the metadata service of EC2 (IMDSv2) is there, but its token does not reach us")
                .why("in a container the answer takes one hop more than the instance allows: its hop limit must be 2")
                .fix(
                    "aws ec2 modify-instance-metadata-options --instance-id i-… --http-tokens required \
                     --http-put-response-hop-limit 2",
                ),
        ),
        Instance::NoRole => {
            let finding = marked(Cause::InstanceRole, "this instance of EC2 has no role (no instance profile)");
            let fix = "aws ec2 associate-iam-instance-profile --instance-id i-… --iam-instance-profile Name=…";
            Some(if needed { finding.fix(fix) } else { return None })
        }
        Instance::Role(role) => Some(match origin {
            Origin::Instance => without_keys(picture, role).unwrap_or_else(|| {
                renews("this is an instance of EC2:", &format!("it renews its role {role} (IMDSv2)"))
            }),
            _ if wants => renews("this is an instance of EC2:", &format!("it renews its role {role} (IMDSv2)")),
            other => shadowed(picture, &format!("the role {role} of this instance of EC2"), other),
        }),
    }
}
