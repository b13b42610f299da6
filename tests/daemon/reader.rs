//! The strictest of readers: reads the file over and over as a new AWS process would, by botocore's rules, and remembers
//! the first thing that was wrong.

use crate::workstation::Workstation;
use evertoken::emulator::MOST_SESSIONS;
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Sections by name, each with its keys.
pub type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// Reads a credentials file as botocore does (Python's `RawConfigParser`, strict), as far as files without continued
/// lines go.
pub fn parse(text: &str) -> Result<Sections, String> {
    let mut sections = Sections::new();
    let mut current: Option<String> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let at = |what: &str| format!("line {number}: {what}: {line:?}");
        if line.trim().is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            let name = header.strip_suffix(']').ok_or_else(|| at("no end of the header"))?;
            if sections.insert(name.to_owned(), BTreeMap::new()).is_some() {
                return Err(at("the section is there twice"));
            }
            current = Some(name.to_owned());
            continue;
        }
        let section = current.as_ref().and_then(|name| sections.get_mut(name)).ok_or_else(|| at("no header before"))?;
        let (key, value) = line.split_once('=').ok_or_else(|| at("neither header nor key"))?;
        if line.starts_with([' ', '\t']) {
            return Err(at("a continued line"));
        }
        if section.insert(key.trim().to_lowercase(), value.trim().to_owned()).is_some() {
            return Err(at("the key is there twice"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    Ok(sections)
}

/// The three keys of a session.
pub type Triple = [String; 3];

/// What a reader has seen.
#[derive(Default)]
pub struct Seen {
    pub reads: u64,
    /// What was wrong, and when.
    pub wrong: Vec<(WallTime, String)>,
    pub sessions: BTreeSet<Triple>,
}

/// Reads in a thread of its own until it is stopped.
pub struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Reader {
    pub fn start(path: PathBuf, profiles: &[&str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let profiles: Vec<String> = profiles.iter().map(|&name| name.to_owned()).collect();
        let thread = thread::spawn(move || {
            let mut seen = Seen::default();
            let mut last = Instant::now();
            let mut forgiven = Instant::now();
            while !told.load(Ordering::Relaxed) {
                if last.elapsed() > Duration::from_secs(1) {
                    // The machine itself stood still: nobody can have refreshed anything.
                    forgiven = Instant::now() + Duration::from_secs(6);
                }
                last = Instant::now();
                seen.reads += 1;
                let now = clock::now();
                let judged = read(&path).and_then(|sections| judge(&sections, &profiles, now, &mut seen.sessions));
                match judged {
                    Err(why) if !why.starts_with("expired") || last >= forgiven => seen.wrong.push((now, why)),
                    Ok(()) | Err(_) => {}
                }
                thread::sleep(Duration::from_millis(2));
            }
            seen
        });
        Self { stop, thread }
    }

    /// Ends the reading, and proves what was seen: nothing wrong, and only sessions that STS has issued, each whole.
    pub fn prove(self, workstation: &Workstation) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.thread.join().expect("a reader");
        if let Some((first, why)) = seen.wrong.first() {
            // What the daemon did about it stands in its log, each line of which begins with a time of one length.
            let (from, to) =
                (format!("{}", *first - Duration::from_secs(100)), format!("{}", *first + Duration::from_secs(3)));
            let log = workstation.log();
            let lines: Vec<&str> = log.lines().filter(|line| (&*from..=&*to).contains(line)).collect();
            let last = seen.wrong.last().map(|(last, _)| last);
            panic!("{} of {} reads, until {last:?}: {why}\n{}", seen.wrong.len(), seen.reads, lines.join("\n"));
        }
        // Two that share a part and not all of it are a mixture, also where STS has forgotten the first ones.
        let parts: usize =
            (0..3).map(|part| seen.sessions.iter().map(|keys| &keys[part]).collect::<BTreeSet<_>>().len()).sum();
        assert_eq!(parts, 3 * seen.sessions.len(), "keys of two sessions were mixed");
        let issued: BTreeSet<Triple> = workstation
            .sts
            .sessions()
            .iter()
            .map(|session| {
                let (secret, token) = (session.secret_access_key.expose(), session.session_token.expose());
                [session.access_key_id.clone(), secret.to_owned(), token.to_owned()]
            })
            .collect();
        if issued.len() < MOST_SESSIONS {
            assert!(seen.sessions.is_subset(&issued), "keys that STS has never issued");
        }
        seen
    }
}

fn read(path: &Path) -> Result<Sections, String> {
    let mut file = fs::File::open(path).map_err(|error| format!("not there: {error}"))?;
    let mode = file.metadata().map_err(|error| error.to_string())?.permissions().mode() & 0o7777;
    if mode != 0o600 {
        return Err(format!("mode {mode:04o}"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| error.to_string())?;
    parse(&text)
}

fn judge(
    sections: &Sections,
    profiles: &[String],
    now: WallTime,
    sessions: &mut BTreeSet<Triple>,
) -> Result<(), String> {
    for profile in profiles {
        let section = sections.get(profile).ok_or_else(|| format!("no section [{profile}]"))?;
        let get = |key: &str| section.get(key).cloned().ok_or_else(|| format!("[{profile}] has no {key}"));
        sessions.insert([get("aws_access_key_id")?, get("aws_secret_access_key")?, get("aws_session_token")?]);
        let end = get("x_security_token_expires")?;
        let end = WallTime::parse(&end).map_err(|_| format!("[{profile}] ends at {end:?}"))?;
        if end <= now {
            return Err(format!("expired: [{profile}] ended at {end}, and it is {now}"));
        }
    }
    Ok(())
}

#[test]
fn the_reader_itself_finds_what_botocore_would() {
    assert!(parse("# c\n[a]\nk = v\n\n[b]\nk=v\n").is_ok());
    for bad in ["k = v\n", "[a]\n[a]\n", "[a]\nk = 1\nK = 2\n", "[a\n", "[a]\nword\n", "[a]\nk = v"] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
    let sections = parse(
        "[a]\naws_access_key_id = 1\naws_secret_access_key = 2\naws_session_token = 3\n\
         x_security_token_expires = 2026-11-21T15:04:05Z\n",
    );
    let sections = sections.expect("sections");
    let end = WallTime::parse("2026-11-21T15:04:05Z").expect("a time");
    let at = |profile: &str, now| judge(&sections, &[profile.to_owned()], now, &mut BTreeSet::new());
    assert!(at("a", end - Duration::from_secs(1)).is_ok());
    assert!(at("a", end).is_err_and(|why| why.starts_with("expired")));
    assert!(at("b", end - Duration::from_secs(1)).is_err());
}
