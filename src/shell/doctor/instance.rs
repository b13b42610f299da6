//! The metadata service of an EC2 instance, by its second version: a token first, then the name of the role. Each question
//! has a second, and more once somebody is known to be there; no credentials are asked for.

use crate::engine::aws_config::AwsConfig;
use crate::engine::doctor::picture::Instance;
use crate::engine::failure::{Fault, Layer};
use crate::shell::environment::Environment;
use crate::shell::exchange::{Answer, Question, exchange};
use crate::shell::http::Http;
use std::time::Duration;
use zeroize::Zeroizing;

/// The service is on the same machine: whoever takes longer is not there.
const PATIENCE: Duration = Duration::from_secs(1);
/// For whoever is there: the machine may be busy with something else.
const MORE_PATIENCE: Duration = Duration::from_secs(5);

/// Where the tools of this shell look for it.
pub(super) fn endpoint(environment: &Environment, aws: &AwsConfig) -> String {
    let configured = || aws.profiles.get("default")?.get("ec2_metadata_service_endpoint").map(String::as_str);
    let endpoint = environment.text("AWS_EC2_METADATA_SERVICE_ENDPOINT").or_else(configured);
    endpoint.unwrap_or("http://169.254.169.254").trim_end_matches('/').to_owned()
}

pub(super) async fn ask(http: &Http, environment: &Environment, aws: &AwsConfig, known: Instance) -> Instance {
    if known == Instance::Disabled {
        return known;
    }
    let endpoint = endpoint(environment, aws);
    let token_of = async |patience| {
        let life = ("x-aws-ec2-metadata-token-ttl-seconds", "60");
        send(http, "PUT", &format!("{endpoint}/latest/api/token"), life, patience).await
    };
    let mut token = token_of(PATIENCE).await;
    if is_late(&token) {
        // The hop limit holds back the answer to this question alone: with it, the second one is late too.
        let root = format!("{endpoint}/latest/meta-data/");
        if send(http, "GET", &root, ("accept", "*/*"), PATIENCE).await.is_err() {
            return Instance::Silent;
        }
        token = token_of(MORE_PATIENCE).await;
    }
    let token = match token {
        Ok(answer) if answer.status == 200 => Zeroizing::new(answer.text().unwrap_or_default().trim().to_owned()),
        Ok(_) => return Instance::NoToken,
        late if is_late(&late) => return Instance::NoToken,
        Err(_) => return Instance::Silent,
    };
    let roles = format!("{endpoint}/latest/meta-data/iam/security-credentials/");
    match send(http, "GET", &roles, ("x-aws-ec2-metadata-token", token.as_str()), MORE_PATIENCE).await {
        Ok(answer) if answer.status == 200 => {
            let name = answer.text().and_then(|text| text.lines().next()).unwrap_or_default().trim().to_owned();
            let is_name = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
            if name.is_empty() || !name.chars().all(is_name) { Instance::NoRole } else { Instance::Role(name) }
        }
        Ok(_) => Instance::NoRole,
        Err(_) => Instance::Silent,
    }
}

fn is_late(answer: &Result<Answer, Fault>) -> bool {
    matches!(answer, Err(Fault::Transport { layer: Layer::Timeout, .. }))
}

async fn send(
    http: &Http,
    method: &'static str,
    uri: &str,
    header: (&'static str, &str),
    patience: Duration,
) -> Result<Answer, Fault> {
    let question = Question { method, uri, header, body: Zeroizing::default() };
    let timeout = || Fault::Transport { layer: Layer::Timeout, detail: "no answer in time".to_owned() };
    tokio::time::timeout(patience, exchange(http, question)).await.unwrap_or_else(|_| Err(timeout()))
}
