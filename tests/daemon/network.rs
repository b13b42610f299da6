//! Companies between us and AWS: a proxy that logs, and a root of their own in a bundle that they renew.

use crate::proxy::Proxy;
use crate::tls::{certificate, in_front_of};
use crate::workstation::Workstation;
use rustix::process::Signal;
use std::fs;

const AWS: &str = "sts_endpoint = \"https://sts.eu-west-1.amazonaws.com\"";

fn bundle(workstation: &Workstation, name: &str) {
    fs::copy(certificate(name), workstation.path("new.pem")).expect("copied");
    fs::rename(workstation.path("new.pem"), workstation.path("corp.pem")).expect("renamed");
}

#[test]
fn a_renewed_bundle_is_taken_over_while_running() {
    for from_environment in [false, true] {
        let mut workstation = Workstation::new(600).role("steady");
        let tls = in_front_of(&workstation.sts.url());
        workstation = workstation.role_with("dev", &format!("sts_endpoint = \"https://{tls}\""));
        workstation = if from_environment {
            let path = workstation.path("corp.pem").display().to_string();
            workstation.env("AWS_CA_BUNDLE", &path)
        } else {
            workstation.entry("[network]\nca_bundle = \"~/corp.pem\"")
        };
        bundle(&workstation, "other.pem");
        let mut workstation = workstation.start_with(&["steady"]);
        let (steady, calls) = (workstation.key_of("steady"), workstation.asked("steady"));
        workstation.wait("the root to be missed", || workstation.logged(&["WARN", "profile=dev", "certificate"]));

        bundle(&workstation, "root.pem");
        workstation.wait("the session behind the new root", || workstation.holds("dev"));
        assert!(workstation.logged(&["INFO", "the CA bundle has changed and was taken over"]), "{}", workstation.log());

        fs::write(workstation.path("corp.pem"), "half a certifi").expect("written");
        workstation
            .wait("the bad bundle to be told", || workstation.logged(&["ERROR", "corp.pem", "the old one stays"]));
        assert_eq!(
            (workstation.key_of("steady"), workstation.asked("steady")),
            (steady, calls),
            "nothing was forgotten"
        );
        workstation.signal(Signal::USR1);
        workstation.wait("a refresh by the old root", || workstation.granted("dev") == 2);
        assert_eq!(workstation.stop().0, Some(0));
    }
}

#[test]
fn a_proxy_is_named_by_the_config_or_else_by_the_environment() {
    for from_environment in [false, true] {
        let workstation = Workstation::new(600).role("near").role_with("dev", AWS);
        let proxy = Proxy::start(in_front_of(&workstation.sts.url()));
        let network = |proxy: &str| format!("[network]\nca_bundle = \"~/corp.pem\"\n{proxy}");
        let workstation = if from_environment {
            workstation.env("HTTPS_PROXY", &proxy.url()).entry(&network(""))
        } else {
            workstation
                .env("HTTPS_PROXY", "http://127.0.0.1:1")
                .env("HTTP_PROXY", "http://127.0.0.1:1")
                .entry(&network(&format!("proxy = \"{}\"", proxy.url())))
        };
        bundle(&workstation, "root.pem");
        let workstation = workstation.start_with(&["near", "dev"]);
        assert_eq!(proxy.log(), ["CONNECT sts.eu-west-1.amazonaws.com:443"], "loopback is reached without it");
        assert_eq!(workstation.sts.request_count(), 2);
    }
}
