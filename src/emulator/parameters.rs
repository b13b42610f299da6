//! The limits on parameters, with the sentences in which AWS complains of them. It never looks at who asks.
//!
//! Limits and patterns are those of the STS API reference (2011-06-15).

use crate::emulator::refusal::Refusal;
use crate::emulator::request::Request;

const WORDS: Shape = Shape { pattern: r"[\w+=,.@-]*", fits: |c| is_word(c) || "+=,.@-".contains(c) };
const EXTERNAL_ID: Shape = Shape { pattern: r"[\w+=,.@:\/-]*", fits: |c| is_word(c) || "+=,.@:/-".contains(c) };
const SERIAL: Shape = Shape { pattern: r"[\w+=/:,.@-]*", fits: |c| is_word(c) || "+=/:,.@-".contains(c) };
const DIGITS: Shape = Shape { pattern: r"[\d]*", fits: |c| c.is_ascii_digit() };
const TAG: Shape = Shape {
    pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
    fits: |c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c),
};
const ANYTHING: Shape = Shape { pattern: "", fits: |_| true };
/// Inline policy and managed policies together (STS API reference, AssumeRole, Policy).
const LONGEST_POLICY: usize = 2048;
const MOST_POLICY_ARNS: usize = 10;
const MOST_TAGS: usize = 50;

struct Shape {
    pattern: &'static str,
    fits: fn(char) -> bool,
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The complaints so far: AWS names all of them in one answer.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn add(&mut self, value: &str, place: &str, constraint: &str) {
        self.0.push(format!("Value '{value}' at '{place}' failed to satisfy constraint: Member must {constraint}"));
    }

    fn text(&mut self, place: &str, value: &str, length: std::ops::RangeInclusive<usize>, shape: &Shape) {
        let count = value.chars().count();
        if count < *length.start() {
            self.add(value, place, &format!("have length greater than or equal to {}", length.start()));
        }
        if count > *length.end() {
            self.add(value, place, &format!("have length less than or equal to {}", length.end()));
        }
        if !value.chars().all(shape.fits) {
            self.add(value, place, &format!("satisfy regular expression pattern: {}", shape.pattern));
        }
    }

    fn parameter(&mut self, request: &Request, name: &str, length: std::ops::RangeInclusive<usize>, shape: &Shape) {
        if let Some(value) = request.parameter(name) {
            self.text(&lower_camel(name), value, length, shape);
        }
    }

    fn required(&mut self, request: &Request, name: &str, length: std::ops::RangeInclusive<usize>, shape: &Shape) {
        self.parameter(request, name, length, shape);
        if request.parameter(name).is_none() {
            let place = lower_camel(name);
            self.0.push(format!("Value null at '{place}' failed to satisfy constraint: Member must not be null"));
        }
    }

    fn finish(self) -> Result<(), Refusal> {
        match self.0.len() {
            0 => Ok(()),
            1 => Err(Refusal::invalid(format!("1 validation error detected: {}", self.0.concat()))),
            n => Err(Refusal::invalid(format!("{n} validation errors detected: {}", self.0.join("; ")))),
        }
    }
}

fn lower_camel(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

/// DurationSeconds, or `default` seconds, checked against the limits of the operation.
fn duration(complaints: &mut Complaints, request: &Request, default: u64, most: u64) -> Result<u64, Refusal> {
    let Some(text) = request.parameter("DurationSeconds") else { return Ok(default) };
    let Ok(seconds) = text.parse::<i64>() else {
        return Err(Refusal::new(400, "MalformedInput", "STRING_VALUE can not be converted to an Integer"));
    };
    if seconds < 900 {
        complaints.add(text, "durationSeconds", "have value greater than or equal to 900");
    }
    if seconds > i64::try_from(most).unwrap_or(i64::MAX) {
        complaints.add(text, "durationSeconds", &format!("have value less than or equal to {most}"));
    }
    Ok(u64::try_from(seconds).unwrap_or_default())
}

/// Checks AssumeRole; the DurationSeconds that holds.
pub(super) fn assume_role(request: &Request) -> Result<u64, Refusal> {
    let mut complaints = Complaints::default();
    role_session(&mut complaints, request);
    complaints.parameter(request, "ExternalId", 2..=1224, &EXTERNAL_ID);
    complaints.parameter(request, "SourceIdentity", 2..=64, &WORDS);
    mfa(&mut complaints, request);
    let seconds = duration(&mut complaints, request, 3600, 43_200)?;
    let (keys, values) = (request.list("Tags", ".Key"), request.list("Tags", ".Value"));
    if keys.len() > MOST_TAGS {
        complaints.add(&format!("{keys:?}"), "tags", &format!("have length less than or equal to {MOST_TAGS}"));
    }
    for (index, key) in keys.iter().enumerate() {
        complaints.text(&format!("tags.{}.member.key", index + 1), key, 1..=128, &TAG);
    }
    for (index, value) in values.iter().enumerate() {
        complaints.text(&format!("tags.{}.member.value", index + 1), value, 0..=256, &TAG);
    }
    let transitive = request.list("TransitiveTagKeys", "");
    for (index, key) in transitive.iter().enumerate() {
        complaints.text(&format!("transitiveTagKeys.{}.member", index + 1), key, 1..=128, &TAG);
    }
    complaints.finish()?;
    let mut seen: Vec<String> = keys.iter().map(|key| key.to_lowercase()).collect();
    seen.sort();
    seen.dedup();
    if seen.len() < keys.len() {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(Refusal::new(400, "InvalidParameterValue", message));
    }
    if let Some(stray) = transitive.iter().find(|key| !keys.contains(key)) {
        let message = format!("The specified transitive tag key must be included in the requested tags: {stray}");
        return Err(Refusal::new(400, "InvalidParameterValue", message));
    }
    policies(request).map(|()| seconds)
}

/// Checks AssumeRoleWithWebIdentity; the DurationSeconds that holds.
pub(super) fn assume_role_with_web_identity(request: &Request) -> Result<u64, Refusal> {
    let mut complaints = Complaints::default();
    role_session(&mut complaints, request);
    complaints.required(request, "WebIdentityToken", 4..=20_000, &ANYTHING);
    complaints.parameter(request, "ProviderId", 4..=2048, &ANYTHING);
    let seconds = duration(&mut complaints, request, 3600, 43_200)?;
    complaints.finish()?;
    policies(request).map(|()| seconds)
}

/// Checks GetSessionToken; the DurationSeconds that holds.
pub(super) fn get_session_token(request: &Request) -> Result<u64, Refusal> {
    let mut complaints = Complaints::default();
    mfa(&mut complaints, request);
    let seconds = duration(&mut complaints, request, 43_200, 129_600)?;
    complaints.finish().map(|()| seconds)
}

fn role_session(complaints: &mut Complaints, request: &Request) {
    complaints.required(request, "RoleArn", 20..=2048, &ANYTHING);
    complaints.required(request, "RoleSessionName", 2..=64, &WORDS);
    complaints.parameter(request, "Policy", 1..=usize::MAX, &ANYTHING);
    for (index, arn) in request.list("PolicyArns", ".arn").iter().enumerate() {
        complaints.text(&format!("policyArns.{}.member.arn", index + 1), arn, 20..=2048, &ANYTHING);
    }
}

fn mfa(complaints: &mut Complaints, request: &Request) {
    complaints.parameter(request, "SerialNumber", 9..=256, &SERIAL);
    complaints.parameter(request, "TokenCode", 6..=6, &DIGITS);
}

/// How much of the space for session policies and tags is used, in percent; `None` when there are none.
pub(super) fn packed_size(request: &Request) -> Option<usize> {
    let tags = request.list("Tags", ".Key").into_iter().chain(request.list("Tags", ".Value"));
    let arns = request.list("PolicyArns", ".arn");
    let used: usize = request.parameter("Policy").into_iter().chain(arns).chain(tags).map(str::len).sum();
    (used > 0).then(|| (used * 100).div_ceil(2 * LONGEST_POLICY))
}

fn policies(request: &Request) -> Result<(), Refusal> {
    let arns = request.list("PolicyArns", ".arn");
    if arns.len() > MOST_POLICY_ARNS {
        let message = format!("Requested {} managed policies, the most is {MOST_POLICY_ARNS}", arns.len());
        return Err(Refusal::invalid(message));
    }
    if let Some(bad) = arns.iter().find(|arn| !arn.starts_with("arn:")) {
        return Err(Refusal::invalid(format!("ARN {bad} is not valid.")));
    }
    let inline = request.parameter("Policy");
    if inline.is_some_and(|text| !matches!(serde_json::from_str(text), Ok(serde_json::Value::Object(_)))) {
        return Err(Refusal::new(400, "MalformedPolicyDocument", "This policy contains invalid Json"));
    }
    let length: usize = inline.into_iter().chain(arns).map(str::len).sum();
    if length > LONGEST_POLICY {
        let percent = length * 100 / LONGEST_POLICY;
        let message = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
        return Err(Refusal::new(400, "PackedPolicyTooLarge", message));
    }
    Ok(())
}
