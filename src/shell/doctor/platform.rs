//! Where this runs, by what the platform puts into the environment and into `/sys`. Asks nobody.

use crate::engine::doctor::picture::{Container, Instance, Platform};
use crate::shell::environment::Environment;
use crate::shell::files::snapshot;
use std::path::Path;

/// The address at which a pod of EKS asks for its identity (EKS user guide, Pod Identity).
const EKS_POD: [&str; 2] = ["169.254.170.23", "[fd00:ec2::23]"];

pub(super) fn look(environment: &Environment) -> Platform {
    let full = environment.text("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let container = match (environment.text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), full) {
        (Some(_), _) => Some(Container::Ecs),
        (None, Some(uri)) if EKS_POD.iter().any(|host| uri.contains(host)) => Some(Container::EksPod),
        (None, Some(_)) => Some(Container::Ecs),
        (None, None) => None,
    };
    let disabled = environment.text("AWS_EC2_METADATA_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    Platform {
        container,
        lambda: environment.text("AWS_LAMBDA_FUNCTION_NAME").map(str::to_owned),
        instance: if disabled { Instance::Disabled } else { Instance::NotAsked },
    }
}

/// Whether something says that this is an instance of EC2 (EC2 user guide, "Identify EC2 instances").
pub(super) fn is_like_ec2(environment: &Environment) -> bool {
    if environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").is_some() {
        return true;
    }
    let starts = |path: &str, start: &str| {
        let found = snapshot::read(Path::new(path));
        found.is_ok_and(|found| found.bytes.to_ascii_lowercase().starts_with(start.as_bytes()))
    };
    starts("/sys/class/dmi/id/sys_vendor", "amazon ec2") || starts("/sys/hypervisor/uuid", "ec2")
}
