//! Renewals of one sign-in by two processes, beside a person, and beside a service that never answers.

use super::responder::{Came, Responder};
use super::{Home, by_one_clock, source_fault, text};
use evertoken::engine::config::model::Source;
use evertoken::engine::failure::{Fault, Layer, SourceFault};
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use evertoken::shell::watch::{Concern, Watched, Watcher};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Far above what anything takes.
const BOUND: Duration = Duration::from_secs(30);

/// The two kinds of sign-in that are renewed.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Sso,
    Console,
}

impl Kind {
    /// Two profiles of one sign-in, whose service is at `url`.
    fn home(self, url: &str) -> Home {
        let home = Home::new();
        let now = clock::now();
        let ends = now + Duration::from_secs(60);
        match self {
            Self::Sso => {
                home.config(&super::sso::two_profiles(url));
                home.write(super::sso::CORP, &super::sso::token("ending", ends, now + Duration::from_secs(3600)));
            }
            Self::Console => {
                home.config(&super::login::two_profiles(url));
                fs::create_dir_all(home.path(".aws/login/cache")).expect("a cache");
                home.write(super::login::CACHE, &super::login::saved("ASIAIOSFODNN7EXAMPLE", ends));
            }
        }
        home
    }

    fn cache(self) -> &'static str {
        match self {
            Self::Sso => super::sso::CORP,
            Self::Console => super::login::CACHE,
        }
    }

    /// What the service says to a renewal, and to whatever else it is asked.
    fn answer(self, came: &Came) -> (u16, String) {
        match self {
            Self::Sso if is_renewal(came) => {
                (200, r#"{"accessToken":"renewed","expiresIn":28800,"refreshToken":"next"}"#.to_owned())
            }
            Self::Sso => {
                let (status, body) = super::sso::granted(came, &["renewed", "theirs"]);
                let end = (clock::now() + Duration::from_secs(3600)).unix_millis();
                (status, body.replace("1795273445000", &end.to_string()))
            }
            Self::Console => (200, super::login::RENEWED.to_owned()),
        }
    }

    /// What a person leaves who signs in anew.
    fn signed_in(self) -> String {
        let now = clock::now();
        let ends = now + Duration::from_secs(3600);
        match self {
            Self::Sso => super::sso::token("theirs", ends, ends),
            Self::Console => super::login::saved("ASIATHEIRS7EXAMPLE00", ends),
        }
    }
}

fn is_renewal(came: &Came) -> bool {
    came.method == "POST" && came.target.ends_with("/token")
}

fn renewals(service: &Responder) -> usize {
    service.came().iter().filter(|came| is_renewal(came)).count()
}

/// `evertoken refresh NAME`, where a list has `one` and `two` on top of the two profiles.
fn refresh(home: PathBuf, name: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
    command.args(["refresh", name, "--config"]).arg(home.join("config.toml")).env_clear().env("HOME", home);
    command.env("PATH", "/usr/bin:/bin").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("a process")
}

#[test]
fn two_processes_renew_a_sign_in_once() {
    for kind in [Kind::Sso, Kind::Console] {
        let place = Arc::new(Mutex::new(None::<PathBuf>));
        let second = Arc::new(Mutex::new(None::<Child>));
        let (home_of, started) = (Arc::clone(&place), Arc::clone(&second));
        let service = Responder::start(move |came| {
            let mut second = started.lock().expect("no panic");
            if is_renewal(came) && second.is_none() {
                // The other process has all this time to come for a renewal of its own.
                *second = home_of.lock().expect("no panic").clone().map(|home| refresh(home, "two"));
                std::thread::sleep(Duration::from_secs(2));
            }
            kind.answer(came)
        });
        let home = kind.home(&service.url());
        home.write(
            "config.toml",
            "[[role]]\nprofile = \"one\"\nsource_profile = \"first\"\n\
             [[role]]\nprofile = \"two\"\nsource_profile = \"second\"\n",
        );
        *place.lock().expect("no panic") = Some(home.path(""));
        let one = refresh(home.path(""), "one").wait_with_output().expect("its end");
        let two = second.lock().expect("no panic").take().expect("there was a renewal");
        for ended in [one, two.wait_with_output().expect("its end")] {
            assert!(ended.status.success(), "{kind:?}: {ended:?}");
        }
        assert_eq!(renewals(&service), 1, "{kind:?}");
        assert!(text(&home.path(kind.cache())).contains(r#""refreshToken":"next""#), "{kind:?}");
    }
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_read_is_not_over() {
    for kind in [Kind::Sso, Kind::Console] {
        let service = Responder::start(move |came| kind.answer(came));
        let home = kind.home(&service.url());
        let cache = home.path(kind.cache());
        fs::remove_file(&cache).expect("removed");
        assert!(matches!(source_fault(home.resolve("first").await), SourceFault::Ended { .. }), "{kind:?}");
        fs::create_dir(&cache).expect("a folder in its place");
        let fault = source_fault(home.resolve("first").await);
        let named = cache.display().to_string();
        assert!(matches!(&fault, SourceFault::Unreadable { path, .. } if *path == named), "{kind:?}: {fault:?}");
    }
}

#[tokio::test]
async fn a_sign_in_that_is_being_rewritten_is_waited_for() {
    for kind in [Kind::Sso, Kind::Console] {
        let service = Responder::start(move |came| kind.answer(came));
        let home = kind.home(&service.url());
        let whole = kind.signed_in();
        let (half, rest) = whole.split_at(whole.len() / 2);
        // As AWS tools do it, only slower.
        let mut file = fs::File::create(home.path(kind.cache())).expect("cut to nothing");
        file.write_all(half.as_bytes()).expect("written");
        let rest = rest.to_owned();
        let writing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(700));
            file.write_all(rest.as_bytes()).expect("written");
        });
        home.resolve("first").await.unwrap_or_else(|fault| panic!("{kind:?}: {fault:?}"));
        writing.join().expect("no panic");
        // And what nobody writes to any more is no sign-in.
        home.write(kind.cache(), half);
        assert!(matches!(source_fault(home.resolve("first").await), SourceFault::Ended { .. }), "{kind:?}");
    }
}

#[tokio::test]
async fn who_signs_in_during_a_renewal_is_not_written_over_and_wakes_everything() {
    for kind in [Kind::Sso, Kind::Console] {
        let place = Arc::new(Mutex::new(None::<PathBuf>));
        let cache_of = Arc::clone(&place);
        let service = Responder::start(move |came| {
            let cache = cache_of.lock().expect("no panic").take();
            if let Some(cache) = cache.filter(|_| is_renewal(came)) {
                fs::write(cache, kind.signed_in()).expect("they sign in");
            }
            kind.answer(came)
        });
        let home = kind.home(&service.url());
        let cache = home.path(kind.cache());
        let sources = home.sources();
        let mut watcher = Watcher::new();
        watcher.ignore(sources.own_writes().clone());
        let folder = cache.parent().expect("a folder").to_owned();
        let mark = home.path("config.toml");
        watcher
            .watch(vec![
                Watched { path: folder, concern: Concern::Sources },
                Watched { path: mark.clone(), concern: Concern::Config },
            ])
            .await;
        let source = Source::Profile("first".to_owned());

        // A renewal of our own is no news.
        sources.resolve(&source, "eu-west-1", by_one_clock(clock::now())).await.expect("keys");
        assert_eq!(renewals(&service), 1, "{kind:?}");
        fs::write(&mark, "changed").expect("written");
        assert_eq!(heard(&mut watcher).await, [Concern::Config].into(), "{kind:?}");

        // One that meets a new sign-in of a person leaves that alone, and does not pass it for its own.
        fs::write(&cache, text(&kind.home(&service.url()).path(kind.cache()))).expect("near its end again");
        assert_eq!(heard(&mut watcher).await, [Concern::Sources].into(), "{kind:?}");
        *place.lock().expect("no panic") = Some(cache.clone());
        let found = sources.resolve(&source, "eu-west-1", by_one_clock(clock::now())).await.expect("keys");
        assert_eq!(renewals(&service), 2, "{kind:?}");
        assert_eq!(heard(&mut watcher).await, [Concern::Sources].into(), "{kind:?}");
        let stands = text(&cache);
        assert!(stands.contains("theirs") || stands.contains("THEIRS"), "{kind:?}");
        if let Kind::Console = kind {
            assert_eq!(found.keys.access_key_id, "ASIATHEIRS7EXAMPLE00");
        }
    }
}

async fn heard(watcher: &mut Watcher) -> BTreeSet<Concern> {
    tokio::time::timeout(BOUND, watcher.changed()).await.expect("a change is noticed")
}

#[tokio::test]
async fn a_service_that_never_answers_holds_up_its_own_sign_in_only_and_that_once() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in silent.incoming() {
            open.push(stream);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let working = Responder::start(|came| Kind::Sso.answer(came));
    let home = Kind::Sso.home(&working.url());
    let now = clock::now();
    // A second sign-in, in another session, whose service hangs.
    let hanging = super::sso::two_profiles(&url).replace("first", "third").replace("second", "fourth");
    home.config(&format!("{}{}", text(&home.path(".aws/config")), hanging.replace("corp", "other")));
    home.write(super::sso::OTHER, &super::sso::token("over", at(now, -60), at(now, 3600)));
    let sources = Arc::new(home.sources());
    let ask = |profile: &str| {
        let (sources, source) = (Arc::clone(&sources), Source::Profile(profile.to_owned()));
        async move { sources.resolve(&source, "eu-west-1", by_one_clock(now)).await }
    };
    let hanging: Vec<_> = ["third", "fourth", "third"].map(|profile| tokio::spawn(ask(profile))).into();
    let arrival = async {
        while asked.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(BOUND, arrival).await.expect("the service is asked");
    ask("first").await.expect("keys");
    assert!(!hanging.iter().any(tokio::task::JoinHandle::is_finished), "it waited for the other session");
    for one in hanging {
        let fault = one.await.expect("no panic").expect_err("no answer");
        assert!(matches!(fault, Fault::Transport { layer: Layer::Timeout, .. }), "{fault:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "each waited for an answer of its own");
}

fn at(now: WallTime, seconds: i64) -> WallTime {
    WallTime::from_unix_seconds(now.unix_seconds() + seconds)
}
