//! The state of an emulator, and the one function that turns a request into an answer. It never touches a socket, so
//! that every answer can be had without one.

use crate::emulator::directory::{Caller, Directory};
use crate::emulator::fault::{Fault, Operation, Rule, Target};
use crate::emulator::operations::{self, Terms};
use crate::emulator::record::{Outcome, Record, Recorded};
use crate::emulator::refusal::Refusal;
use crate::emulator::reply::{Reply, error_xml};
use crate::emulator::request::Request;
use crate::emulator::signature::Claim;
use crate::engine::time::WallTime;
use std::time::Duration;

const VERSION: &str = "2011-06-15";

/// Everything that a request meets, behind one lock.
#[derive(Debug)]
pub(super) struct World {
    pub(super) directory: Directory,
    pub(super) rules: Vec<Rule>,
    pub(super) record: Record,
    pub(super) life: Option<Duration>,
    pub(super) token_length: usize,
    pub(super) stale_code: String,
    pub(super) in_flight: usize,
    pub(super) most_in_flight: usize,
}

/// An answer, and how it goes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) delivery: Delivery,
    /// Seconds that the `Date` header is ahead of the emulator's time.
    pub(super) date_ahead: i64,
}

/// How an answer goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Delivery {
    Whole,
    CutBefore,
    CutInside,
    After(Duration),
    OnRelease,
    Never,
}

impl World {
    /// Answers a request that has arrived at `now`, and records it.
    pub(super) fn answer(&mut self, request: &Request, now: WallTime) -> Answer {
        let claim = Claim::read(request);
        let action = request.parameter("Action").unwrap_or_default();
        let target = Target {
            action,
            role_arn: request.parameter("RoleArn"),
            session_name: request.parameter("RoleSessionName"),
            access_key_id: claim.as_ref().ok().map(|claim| claim.access_key_id.as_str()),
        };
        let fault = self.rules.iter_mut().find_map(|rule| rule.strike(target));
        let request_id = request_id();
        let passes = fault.as_ref().is_none_or(Fault::lets_through);
        let result = passes.then(|| self.perform(action, claim.as_ref(), request, now));
        let outcome = match (&result, &fault) {
            (Some(Ok(reply)), _) => self.outcome_of(reply),
            (Some(Err(Refusal { status, code, .. })), _) | (None, Some(Fault::Error { status, code, .. })) => {
                Outcome::Refused { status: *status, code: code.clone() }
            }
            (None, _) => Outcome::Lost,
        };
        let answer = answer_to(result, fault.as_ref(), &request_id, now);
        let claim = claim.ok();
        self.record.add(Recorded {
            number: 0,
            at: now,
            operation: action.to_owned(),
            parameters: request.parameters.clone(),
            access_key_id: claim.as_ref().map(|claim| claim.access_key_id.clone()),
            region: claim.as_ref().map(|claim| claim.region.clone()),
            service: claim.map(|claim| claim.service),
            user_agent: request.header("user-agent").map(str::to_owned),
            request_id,
            fault,
            outcome,
        });
        answer
    }

    fn perform(
        &mut self,
        action: &str,
        claim: Result<&Claim, &Refusal>,
        request: &Request,
        now: WallTime,
    ) -> Result<Reply, Refusal> {
        let version = request.parameter("Version").unwrap_or_default();
        let operation = Operation::parse(action).filter(|_| version == VERSION).ok_or_else(|| {
            let message = format!("Could not find operation {action} for version {version}");
            Refusal::new(400, "InvalidAction", message)
        })?;
        let terms = Terms { now, life: self.life, token_length: self.token_length };
        if operation == Operation::AssumeRoleWithWebIdentity {
            return operations::assume_role_with_web_identity(&mut self.directory, request, terms);
        }
        let caller = self.caller(claim, request, now)?;
        match operation {
            Operation::GetSessionToken => operations::get_session_token(&mut self.directory, &caller, request, terms),
            Operation::GetCallerIdentity => Ok(operations::get_caller_identity(&caller)),
            _ => operations::assume_role(&mut self.directory, &caller, request, terms),
        }
    }

    fn caller(&self, claim: Result<&Claim, &Refusal>, request: &Request, now: WallTime) -> Result<Caller, Refusal> {
        self.directory.authenticate(claim.map_err(Clone::clone)?, request, now, &self.stale_code)
    }

    fn outcome_of(&self, reply: &Reply) -> Outcome {
        match (reply, self.directory.sessions().last()) {
            (Reply::Session(_), Some(session)) => {
                Outcome::Granted { access_key_id: session.access_key_id.clone(), expiration: session.expiration }
            }
            _ => Outcome::Identified,
        }
    }
}

fn answer_to(result: Option<Result<Reply, Refusal>>, fault: Option<&Fault>, request_id: &str, now: WallTime) -> Answer {
    let xml = |status: u16, body: String| Answer {
        status,
        headers: vec![
            ("Content-Type".to_owned(), "text/xml".to_owned()),
            ("x-amzn-RequestId".to_owned(), request_id.to_owned()),
        ],
        body,
        delivery: Delivery::Whole,
        date_ahead: 0,
    };
    let mut answer = match (result, fault) {
        (Some(Ok(mut reply)), fault) => {
            if let (Reply::Session(session), Some(fault)) = (&mut reply, fault) {
                fault.spoil(session, now);
            }
            xml(200, reply.to_xml(request_id))
        }
        (Some(Err(refusal)), _) => xml(refusal.status, error_xml(&refusal, request_id)),
        (None, Some(Fault::Error { status, code, message })) => {
            xml(*status, error_xml(&Refusal::new(*status, code, message), request_id))
        }
        (None, Some(Fault::Http { status, headers, body })) => {
            Answer { headers: headers.clone(), ..xml(*status, body.clone()) }
        }
        (None, _) => xml(503, String::new()),
    };
    match fault {
        Some(Fault::CutBefore) => answer.delivery = Delivery::CutBefore,
        Some(Fault::CutInside) => answer.delivery = Delivery::CutInside,
        Some(Fault::Slow(time)) => answer.delivery = Delivery::After(*time),
        Some(Fault::Held) => answer.delivery = Delivery::OnRelease,
        Some(Fault::Hang) => answer.delivery = Delivery::Never,
        Some(Fault::DateAhead(seconds)) => answer.date_ahead = *seconds,
        _ => {}
    }
    answer
}

/// Formed like a UUID.
fn request_id() -> String {
    let digits = format!("{:032x}", fastrand::u128(..));
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}
