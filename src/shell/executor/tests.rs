use super::{Event, Executor, Fault, Sighting, Tools};
use crate::engine::config::model::{Source, StoreKind};
use crate::engine::failure::SourceFault;
use crate::engine::names::ProfileName;
use crate::engine::time::Skew;
use crate::shell::environment::Environment;
use crate::shell::http::{Http, HttpSettings};
use crate::shell::mfa::Codes;
use crate::shell::places::Places;
use crate::shell::sources::{AwsFiles, Sources};
use crate::shell::store::Stores;
use crate::shell::sts::{Identity, Sts};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// What no log may quote.
const QUOTED: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn executor(home: &Path) -> (Executor, UnboundedReceiver<Event>) {
    let environment = Arc::new(Environment::from_vars([("HOME", home)]));
    let places = Places::find(&environment, None, None).expect("places");
    let http = Http::new(&HttpSettings::default()).expect("an HTTP client");
    let sts = Sts::new(&http, "9.8.7", None);
    let files = AwsFiles {
        config: places.aws_config().to_owned(),
        credentials: places.credentials().to_owned(),
        home: Some(home.to_owned()),
    };
    let identity = Identity { user: "me".to_owned(), host: "laptop".to_owned() };
    let sources = Sources::new(http, sts.clone(), files, identity.clone(), environment);
    let codes = Codes::new(Vec::new(), None);
    let tools = Tools { sts, sources, stores: Stores::new(places, 0o600), identity, codes };
    let (sender, events) = unbounded_channel();
    (Executor::new(Arc::new(tools), sender), events)
}

async fn next(events: &mut UnboundedReceiver<Event>) -> Event {
    let event = tokio::time::timeout(Duration::from_secs(30), events.recv()).await;
    event.expect("an event comes").expect("the executor lives")
}

fn source() -> Source {
    Source::Profile("base".to_owned())
}

#[tokio::test]
async fn a_call_that_panics_is_a_failure_of_that_call_and_the_next_one_is_made() {
    let home = tempfile::tempdir().expect("a home");
    let (mut executor, mut events) = executor(home.path());
    let failed = |fault| Event::ResolveFailed { source: source(), fault, jitter: 0.0 };
    executor.start(None, async { panic!("{QUOTED}") }, failed);
    let Event::ResolveFailed { fault: Fault::Internal(told), .. } = next(&mut events).await else {
        panic!("a failure of evertoken itself");
    };
    assert!(told.contains("panicked") && !told.contains(QUOTED), "{told}");
    executor.resolve(source(), "eu-west-1".to_owned(), Skew::default());
    let event = next(&mut events).await;
    assert!(matches!(&event, Event::ResolveFailed { fault: Fault::Source(_), .. }), "{event:?}");
}

#[tokio::test]
async fn work_on_a_file_that_panics_is_told_and_holds_up_no_other() {
    let home = tempfile::tempdir().expect("a home");
    let (mut executor, mut events) = executor(home.path());
    let told = |message| vec![Event::StoreFailed { store: StoreKind::Shared, message, jitter: 0.0 }];
    executor.file_work(|| panic!("{QUOTED}"), told);
    executor.store(StoreKind::Shared, Vec::new());
    let Event::StoreFailed { message, .. } = next(&mut events).await else { panic!("a failed write") };
    assert!(message.contains("panicked") && !message.contains(QUOTED), "{message}");
    let event = next(&mut events).await;
    assert!(matches!(&event, Event::Stored { store: StoreKind::Shared, .. }), "{event:?}");
}

#[tokio::test]
async fn a_look_that_panics_is_one_at_files_that_nobody_can_read() {
    let home = tempfile::tempdir().expect("a home");
    let (mut executor, mut events) = executor(home.path());
    executor.look(|_, _| panic!("{QUOTED}"));
    for expected in [StoreKind::Shared, StoreKind::Private] {
        let Event::Observed(Sighting { store, sections: Err(why) }) = next(&mut events).await else {
            panic!("a look that saw nothing");
        };
        assert_eq!(store, expected);
        assert!(why.contains("panicked") && !why.contains(QUOTED), "{why}");
    }
    executor.observe(vec![ProfileName::parse("dev").expect("a name")]);
    let event = next(&mut events).await;
    assert!(matches!(&event, Event::Observed(Sighting { sections: Ok(_), .. })), "{event:?}");
}

#[expect(clippy::disallowed_methods, reason = "the test makes the files of another program")]
#[tokio::test]
async fn programs_that_are_given_up_fail_at_once_and_every_other_call_goes_on() {
    let home = tempfile::tempdir().expect("a home");
    let aws = home.path().join(".aws");
    std::fs::create_dir(&aws).expect("a folder");
    std::fs::write(aws.join("config"), "[profile base]\ncredential_process = /bin/sleep 300\n").expect("written");
    let (mut executor, mut events) = executor(home.path());
    let (go_on, waits) = tokio::sync::oneshot::channel();
    let other = Source::Profile("other".to_owned());
    let (of_it, failed) = (other.clone(), |_| Event::SourcesChanged);
    let work = async move {
        let fault = waits.await.expect("told to go on");
        Event::ResolveFailed { source: of_it, fault, jitter: 0.0 }
    };
    executor.start(None, work, failed);
    executor.resolve(source(), "eu-west-1".to_owned(), Skew::default());
    // Whether it runs by then or is about to start makes no difference.
    tokio::time::sleep(Duration::from_millis(300)).await;
    executor.give_up_programs();
    let event = next(&mut events).await;
    let Event::ResolveFailed { fault: Fault::Source(SourceFault::Process(told)), .. } = &event else {
        panic!("a failure of the program: {event:?}");
    };
    assert!(told.contains("was stopped"), "{told}");
    go_on.send(Fault::Internal("the rest".to_owned())).expect("it still waits");
    let event = next(&mut events).await;
    assert!(matches!(&event, Event::ResolveFailed { source, .. } if *source == other), "{event:?}");
}
