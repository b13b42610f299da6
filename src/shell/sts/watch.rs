//! Reads the `Date` of each answer of STS, errors included: how far its clock is ahead of ours. Changes nothing.

use crate::engine::time::{Skew, WallTime};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
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
        let headers = context.response().headers();
        // A portal or a proxy that answers in its place has a clock of its own.
        let date = headers.get("x-amzn-requestid").and_then(|_| headers.get("date"));
        let Some(theirs) = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok()) else { return Ok(()) };
        let Some(clock) = runtime_components.time_source() else { return Ok(()) };
        let ours = clock.now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let ours = WallTime::from_unix_seconds(0) + ours;
        // `Date` is cut to whole seconds: half a second is the fairest guess for what it lost.
        let theirs = WallTime::from_unix_seconds(theirs.secs()) + Duration::from_millis(500);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Skew::between(theirs, ours));
        Ok(())
    }
}
