//! Looks up names of hosts: one thread for each name, however often it is asked for, and a few names at once. The system's
//! look-up cannot be given up, and lasts much longer than anybody waits for it; threads of abandoned ones would pile up until
//! there was none left for the files.

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, watch};

/// So many names at once; who asks for another one waits for as long as a connection may take. Half of the threads.
const AT_ONCE: usize = 16;

/// What came of it; several may wait for the same.
type Found = Result<Vec<IpAddr>, Arc<io::Error>>;
type Pending = watch::Receiver<Option<Found>>;

/// Cheap to clone; all clones know what is being looked up.
#[derive(Clone)]
pub(super) struct Names(Arc<Inner>);

struct Inner {
    look_up: fn(&str) -> io::Result<Vec<IpAddr>>,
    under_way: Mutex<BTreeMap<String, Pending>>,
    turns: Arc<Semaphore>,
}

impl Default for Names {
    fn default() -> Self {
        Self::with(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.find(name).await.map_err(ResolveDnsError::new) })
    }
}

impl Names {
    fn with(look_up: fn(&str) -> io::Result<Vec<IpAddr>>) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self(Arc::new(Inner { look_up, under_way: Mutex::default(), turns }))
    }

    async fn find(&self, name: &str) -> Found {
        let mut pending = match self.0.under_way(name) {
            Some(pending) => pending,
            None => self.begin(name).await,
        };
        match pending.wait_for(Option::is_some).await.map(|found| found.clone()) {
            Ok(Some(found)) => found,
            _ => Err(Arc::new(io::Error::other("the look-up was broken off"))),
        }
    }

    async fn begin(&self, name: &str) -> Pending {
        // Never closed.
        let turn = Arc::clone(&self.0.turns).acquire_owned().await.ok();
        if let Some(pending) = self.0.under_way(name) {
            return pending;
        }
        let (tell, pending) = watch::channel(None);
        let (inner, owned) = (Arc::clone(&self.0), name.to_owned());
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the system has no thread left this panics, a failure of the call.
        tokio::task::spawn_blocking(move || {
            let found = (inner.look_up)(&owned).map_err(Arc::new);
            inner.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&owned);
            drop(turn);
            // Nobody may be waiting any more.
            let _unheard = tell.send(Some(found));
        });
        under_way.insert(name.to_owned(), pending.clone());
        pending
    }
}

impl Inner {
    /// The look-up of this name, unless it came to no end.
    fn under_way(&self, name: &str) -> Option<Pending> {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.get(name).filter(|pending| pending.has_changed().is_ok()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Names};
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    static BEGUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    static TWICE: Mutex<usize> = Mutex::new(0);
    static OPEN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

    fn hang(name: &str) -> std::io::Result<Vec<IpAddr>> {
        if !BEGUN.lock().expect("a list").insert(name.to_owned()) {
            *TWICE.lock().expect("a number") += 1;
        }
        let open = OPEN.0.lock().expect("a gate");
        drop(OPEN.1.wait_timeout_while(open, Duration::from_secs(60), |open| !*open).expect("a gate"));
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    }

    #[tokio::test]
    async fn names_that_are_not_answered_take_a_few_threads_however_often_they_are_asked_for() {
        let names = Names::with(hang);
        let asked: Vec<String> = (0..8 * AT_ONCE).map(|n| format!("{}.test", n / 4)).collect();
        for _ in 0..3 {
            let askers = asked.iter().map(|name| {
                let (names, name) = (names.clone(), name.clone());
                tokio::spawn(async move { tokio::time::timeout(Duration::from_millis(300), names.find(&name)).await })
            });
            for asker in askers.collect::<Vec<_>>() {
                assert!(asker.await.expect("no panic").is_err(), "nothing is answered");
            }
        }
        assert_eq!((BEGUN.lock().expect("a list").len(), *TWICE.lock().expect("a number")), (AT_ONCE, 0));
        *OPEN.0.lock().expect("a gate") = true;
        OPEN.1.notify_all();
        let found = tokio::time::timeout(Duration::from_secs(60), names.find("other.test")).await.expect("an answer");
        assert_eq!(found.expect("an address"), [IpAddr::from(Ipv4Addr::LOCALHOST)]);
    }

    #[tokio::test]
    async fn what_the_system_says_is_told() {
        let here = Names::default().find("localhost").await.expect("an address");
        assert!(here.iter().all(IpAddr::is_loopback) && !here.is_empty(), "{here:?}");
        assert!(Names::default().find("no-such-name.invalid").await.is_err());
    }
}
