//! Reads the `Date` of each answer of STS, errors included: how far its clock is ahead of ours. Changes nothing.

use crate::engine::time::{Skew, WallTime};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// One for each call.
#[derive(Clone, Debug, Default)]
pub(super) struct DateWatch(Arc<Mutex<Option<Skew>>>);

impl DateWatch {
    /// How far STS is ahead, once an answer came that told.
    pub(super) fn skew(&self) -> Option<Skew> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for DateWatch {
    fn name(&self) -> &'static str {
        "DateWatch"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        runtime_components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(clock) = runtime_components.time_source() else { return Ok(()) };
        let ours = clock.now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let told = skew_told(context.response().headers(), WallTime::from_unix_seconds(0) + ours);
        if told.is_some() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = told;
        }
        Ok(())
    }
}

/// How far AWS is ahead of our clock, which shows `now`, by the headers of its answer. A portal or a proxy that answers in
/// its place has a clock of its own, and no request id.
pub(crate) fn skew_told(headers: &Headers, now: WallTime) -> Option<Skew> {
    let date = headers.get("x-amzn-requestid").and_then(|_| headers.get("date"))?;
    let theirs = DateTime::from_str(date, Format::HttpDate).ok()?;
    // `Date` is cut to whole seconds: half a second is the fairest guess for what it lost.
    let theirs = WallTime::from_unix_seconds(theirs.secs()) + Duration::from_millis(500);
    Some(Skew::between(theirs, now))
}

#[cfg(test)]
mod tests {
    use super::skew_told;
    use crate::engine::time::{Skew, WallTime};
    use aws_smithy_runtime_api::http::Headers;

    #[test]
    fn only_an_answer_of_aws_tells_the_time() {
        let now = WallTime::parse("2026-11-21T14:04:05Z").expect("a time");
        let mut headers = Headers::new();
        headers.insert("date", "Sat, 21 Nov 2026 15:04:05 GMT");
        assert_eq!(skew_told(&headers, now), None, "a portal, or a proxy");
        headers.insert("x-amzn-requestid", "7d2b0e4a");
        assert_eq!(skew_told(&headers, now), Some(Skew::from_millis(3_600_500)));
        headers.insert("date", "yesterday");
        assert_eq!(skew_told(&headers, now), None);
    }
}
