//! Signature Version 4 from the side of the verifier, written out by hand so that it shares no code with the SDK whose
//! signatures it judges. It never looks up keys.

use crate::emulator::clock::{compact, parse_compact};
use crate::emulator::refusal::Refusal;
use crate::emulator::request::Request;
use crate::engine::time::WallTime;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How far `X-Amz-Date` may be from the clock of AWS, either way (IAM user guide, Signature Version 4).
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What an `Authorization` header claims.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Claim {
    pub(super) access_key_id: String,
    pub(super) date: String,
    pub(super) region: String,
    pub(super) service: String,
    terminator: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Claim {
    /// Reads the `Authorization` header.
    pub(super) fn read(request: &Request) -> Result<Self, Refusal> {
        let header = request.header("authorization").ok_or_else(|| Refusal::of("MissingAuthenticationToken"))?;
        let incomplete = |what: &str| {
            let message = format!("Authorization header requires '{what}' parameter. Authorization={header}");
            Refusal::new(400, "IncompleteSignature", message)
        };
        let fields = header.strip_prefix(ALGORITHM).ok_or_else(|| incomplete(ALGORITHM))?;
        let field = |name: &str| {
            let mut pairs = fields.split(',').filter_map(|field| field.trim().split_once('='));
            pairs.find(|(have, _)| *have == name).map(|(_, value)| value.to_owned()).ok_or_else(|| incomplete(name))
        };
        let credential = field("Credential")?;
        let &[access_key_id, date, region, service, terminator] = credential.split('/').collect::<Vec<_>>().as_slice()
        else {
            return Err(Refusal::new(
                400,
                "IncompleteSignature",
                format!("Credential must have exactly 5 slash-delimited elements, got '{credential}'"),
            ));
        };
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            terminator: terminator.to_owned(),
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?,
        })
    }

    /// Verifies the claim: scope, age, what must be signed, and the signature itself. `stale` is the code for a
    /// signature that is too old or too new.
    pub(super) fn verify(&self, request: &Request, secret: &str, now: WallTime, stale: &str) -> Result<(), Refusal> {
        let refuse = |message: String| Refusal::new(403, "SignatureDoesNotMatch", message);
        if self.service != "sts" {
            return Err(refuse("Credential should be scoped to correct service: 'sts'. ".to_owned()));
        }
        if self.terminator != "aws4_request" {
            let message = format!(
                "Credential should be scoped with a valid terminator: 'aws4_request', not '{}'.",
                self.terminator
            );
            return Err(refuse(message));
        }
        let stamp = request.header("x-amz-date").unwrap_or_default();
        let Some(signed_at) = parse_compact(stamp) else {
            let message = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
            return Err(Refusal::new(400, "IncompleteSignature", message));
        };
        if !stamp.starts_with(&self.date) || self.date.len() != 8 {
            return Err(refuse(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{}', from '{stamp}'.",
                self.date,
                stamp.get(..8).unwrap_or_default(),
            )));
        }
        self.check_age(stamp, signed_at, now).map_err(|message| match stale {
            "SignatureDoesNotMatch" => refuse(message),
            other => Refusal { message, ..Refusal::of(other) },
        })?;
        let must_be_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
        let unsigned =
            request.headers.iter().find(|(name, _)| must_be_signed(name) && !self.signed_headers.contains(name));
        if let Some((name, _)) = unsigned {
            return Err(refuse(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
        }
        let expected = hex(&self.sign(request, secret, stamp));
        if expected == self.signature { Ok(()) } else { Err(Refusal::of("SignatureDoesNotMatch")) }
    }

    fn check_age(&self, stamp: &str, signed_at: WallTime, now: WallTime) -> Result<(), String> {
        let now = now.whole_seconds();
        let (earliest, latest) = (now - TOLERANCE, now + TOLERANCE);
        if signed_at < earliest {
            let (earliest, now) = (compact(earliest), compact(now));
            return Err(format!("Signature expired: {stamp} is now earlier than {earliest} ({now} - 5 min.)"));
        }
        if signed_at > latest {
            let (latest, now) = (compact(latest), compact(now));
            return Err(format!("Signature not yet current: {stamp} is still later than {latest} ({now} + 5 min.)"));
        }
        Ok(())
    }

    fn sign(&self, request: &Request, secret: &str, stamp: &str) -> [u8; 32] {
        let scope = format!("{}/{}/{}/{}", self.date, self.region, self.service, self.terminator);
        let digest = hex(&Sha256::digest(self.canonical(request)));
        let to_sign = format!("{ALGORITHM}\n{stamp}\n{scope}\n{digest}");
        let mut key = hmac(format!("AWS4{secret}").as_bytes(), self.date.as_bytes());
        for part in [&self.region, &self.service, &self.terminator, &to_sign] {
            key = hmac(&key, part.as_bytes());
        }
        key
    }

    fn canonical(&self, request: &Request) -> String {
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(request.query.as_bytes())
            .map(|(name, value)| (percent_encoded(&name), percent_encoded(&value)))
            .collect();
        pairs.sort();
        let query: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers: String = self
            .signed_headers
            .iter()
            .map(|name| {
                let values = request.headers.iter().filter(|(have, _)| have == name);
                let values: Vec<String> = values.map(|(_, value)| single_spaced(value)).collect();
                format!("{name}:{}\n", values.join(","))
            })
            .collect();
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            request.method,
            request.path,
            query.join("&"),
            self.signed_headers.join(";"),
            hex(&Sha256::digest(&request.body)),
        )
    }
}

fn single_spaced(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Claim, hex, hmac};
    use crate::emulator::request::Request;
    use crate::engine::time::WallTime;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn request(scope: &str) -> Request {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{scope}, SignedHeaders=host;x-amz-date, Signature=0"
        );
        let headers = [("host", "sts"), ("x-amz-date", "20261121T150405Z"), ("authorization", &authorization)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Request::new("POST", "/", "b=2&a=1%20", headers, b"Action=GetCallerIdentity".to_vec())
    }

    fn signed(scope: &str) -> (Claim, Request) {
        let request = request(scope);
        let mut claim = Claim::read(&request).expect("a claim");
        claim.signature = hex(&claim.sign(&request, SECRET, "20261121T150405Z"));
        (claim, request)
    }

    fn verify(claim: &Claim, request: &Request) -> Result<(), String> {
        let now = WallTime::parse("2026-11-21T15:04:05Z").expect("a time");
        claim.verify(request, SECRET, now, "SignatureDoesNotMatch").map_err(|refusal| refusal.message)
    }

    #[test]
    fn hmac_gives_the_digests_of_rfc_4231() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(&hmac(b"Jefe", b"what do ya want for nothing?")), expected);
        let expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        assert_eq!(hex(&hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")), expected);
    }

    #[test]
    fn whatever_is_changed_after_signing_breaks_the_signature() {
        let (claim, request) = signed("20261121/eu-west-1/sts/aws4_request");
        assert_eq!(verify(&claim, &request), Ok(()));
        let changes: [fn(&mut Request); 5] = [
            |request| request.body.push(b'x'),
            |request| request.method = "GET".to_owned(),
            |request| request.path = "/x".to_owned(),
            |request| request.query = "a=1&b=2".to_owned(),
            |request| request.headers[0].1 = "elsewhere".to_owned(),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut changed = request.clone();
            change(&mut changed);
            assert!(verify(&claim, &changed).is_err_and(|message| message.contains("we calculated")), "change {index}");
        }
        let mut longer = request;
        longer.headers.push(("x-amz-security-token".to_owned(), "EXAMPLE".to_owned()));
        assert!(verify(&claim, &longer).is_err_and(|message| message.contains("must be a 'SignedHeader'")));
    }

    #[test]
    fn a_wrong_scope_is_named() {
        for (scope, words) in [
            ("20261121/eu-west-1/iam/aws4_request", "correct service: 'sts'"),
            ("20261121/eu-west-1/sts/aws3_request", "valid terminator: 'aws4_request', not 'aws3_request'"),
            ("20261120/eu-west-1/sts/aws4_request", "'20261120' != '20261121', from '20261121T150405Z'"),
        ] {
            let (claim, request) = signed(scope);
            assert!(verify(&claim, &request).is_err_and(|message| message.contains(words)), "{scope}");
        }
        let incomplete = Claim::read(&request("eu-west-1/sts"));
        assert_eq!(incomplete.map_err(|refusal| refusal.code), Err("IncompleteSignature".to_owned()));
        let nothing = Claim::read(&Request::default());
        assert_eq!(nothing.map_err(|refusal| refusal.code), Err("MissingAuthenticationToken".to_owned()));
    }
}
