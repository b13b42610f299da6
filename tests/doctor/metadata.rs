//! A metadata service of EC2 on loopback, with its token, one whose token does not come through, and one whose token comes
//! late; and the agent of a container, who asks for none.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Starts one for as long as the process lives; its URL. Without a `role` the instance has none; with `"no-token"` nobody
/// who asks for a token gets an answer, with `"late"` only who has asked something else meanwhile; with `"unassumable"` there
/// is a role, and EC2 may not assume it. `keys` is what it gives, as JSON.
pub(crate) fn start(role: &str, keys: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (role, keys) = (role.to_owned(), keys.to_owned());
    let was_asked = Arc::new(AtomicBool::new(false));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (role, keys, was_asked) = (role.clone(), keys.clone(), Arc::clone(&was_asked));
            thread::spawn(move || answer(stream, &role, &keys, &was_asked));
        }
    });
    url
}

fn answer(mut stream: TcpStream, role: &str, keys: &str, was_asked: &AtomicBool) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let first = lines.next()?;
    let headers: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).map(|l| l.to_lowercase()).collect();
    let has_token = headers.iter().any(|line| line == "x-aws-ec2-metadata-token: imds-token");
    let mut words = first.split_whitespace();
    let (status, body) = match (words.next()?, words.next()?) {
        ("PUT", "/latest/api/token")
            if role == "no-token" || (role == "late" && !was_asked.load(Ordering::Relaxed)) =>
        {
            // Held until the asker goes away.
            let _gone = lines.next();
            return None;
        }
        ("PUT", "/latest/api/token") if headers.iter().any(|line| line.starts_with("x-aws-ec2-metadata-token-ttl")) => {
            (200, "imds-token")
        }
        ("GET", "/container") => (200, keys),
        ("GET", _) if !has_token => {
            was_asked.store(true, Ordering::Relaxed);
            (401, "")
        }
        ("GET", "/latest/meta-data/iam/security-credentials/") if !role.is_empty() => (200, role),
        ("GET", path) if path.ends_with("/unassumable") => {
            (200, r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role unassumable"}"#)
        }
        ("GET", path) if path.ends_with(&format!("/iam/security-credentials/{role}")) => (200, keys),
        _ => (404, ""),
    };
    let life = "x-aws-ec2-metadata-token-ttl-seconds: 60";
    let head = format!("HTTP/1.1 {status} x\r\n{life}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).ok()
}
