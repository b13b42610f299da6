//! The error answers of STS with the status and the words that AWS uses, so that whoever classifies them meets the real
//! texts. It never decides when one is due.

use std::fmt;

/// An error answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

/// Code, HTTP status and an example of the message of every error that STS and the layers before it are known to send
/// (STS API reference, Errors and Common Errors; the retry lists of the SDKs).
const KNOWN: &[(&str, u16, &str)] = &[
    ("Throttling", 400, "Rate exceeded"),
    ("ThrottlingException", 400, "Rate exceeded"),
    ("RequestLimitExceeded", 400, "Request limit exceeded."),
    ("TooManyRequestsException", 400, "Too Many Requests"),
    ("SlowDown", 503, "Please reduce your request rate."),
    ("InternalFailure", 500, "The request processing has failed because of an unknown error, exception or failure."),
    ("ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."),
    ("RequestTimeout", 400, "The request was not read within the time allowed."),
    ("IDPCommunicationError", 400, "Couldn't retrieve verification key from your identity provider"),
    ("InvalidIdentityToken", 400, "The ID Token provided is not a valid JWT."),
    ("ExpiredTokenException", 400, "Token expired"),
    ("ExpiredToken", 403, "The security token included in the request is expired"),
    ("IDPRejectedClaim", 403, "The identity provider reported that authentication failed."),
    ("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
    ("UnrecognizedClientException", 403, "The security token included in the request is invalid."),
    ("SignatureDoesNotMatch", 403, MISMATCH),
    ("InvalidSignatureException", 400, MISMATCH),
    ("RequestExpired", 400, "Request has expired."),
    ("RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."),
    ("AuthFailure", 403, "AWS was not able to validate the provided access credentials"),
    ("IncompleteSignature", 400, "The request signature does not conform to AWS standards."),
    ("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
    ("AccessDenied", 403, "User is not authorized to perform: sts:AssumeRole"),
    ("AccessDeniedException", 403, "You do not have sufficient access to perform this action."),
    ("OptInRequired", 403, "The AWS access key ID needs a subscription for the service"),
    ("ValidationError", 400, "1 validation error detected"),
    ("MalformedPolicyDocument", 400, "Syntax errors in policy."),
    ("PackedPolicyTooLarge", 400, "Packed policy consumes 112% of allotted space, please use smaller policy."),
    (
        "RegionDisabledException",
        403,
        "STS is not activated in this region for account:111122223333. Your account administrator can activate STS in \
         this region using the IAM Console.",
    ),
];

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
     Secret Access Key and signing method. Consult the service documentation for details.";

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// The error with its usual status and words; a code that is not known comes as a 400 that says no more.
    pub(super) fn of(code: &str) -> Self {
        let known = KNOWN.iter().find(|(name, ..)| *name == code);
        known.map_or_else(|| Self::new(400, code, code), |(_, status, message)| Self::new(*status, code, *message))
    }

    pub(super) fn denied(message: impl fmt::Display) -> Self {
        Self::new(403, "AccessDenied", message.to_string())
    }

    pub(super) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(400, "ValidationError", message.to_string())
    }

    /// Whose fault it is in the eyes of AWS.
    pub(super) fn kind(&self) -> &'static str {
        if self.status >= 500 { "Receiver" } else { "Sender" }
    }
}

/// All codes that [`Refusal::of`] knows.
pub(super) fn known_codes() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(code, ..)| *code)
}
