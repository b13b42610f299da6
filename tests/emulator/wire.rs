//! A bare socket as the asker, for what an HTTP client would hide: the bytes of an answer, and how the connection ends.

use evertoken::emulator::Emulator;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) const TOKEN: &str = "EXAMPLE.web.identity";

/// Generous: only a broken emulator takes so long.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// Where it listens.
pub(crate) fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("an address")
}

/// An AssumeRoleWithWebIdentity, which needs no signature.
pub(crate) fn request() -> String {
    let role = "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2FDeveloper";
    let body = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={role}&RoleSessionName=me&WebIdentityToken={TOKEN}"
    );
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nHost: sts\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \
         {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Opens a connection with the request on its way.
pub(crate) fn ask(emulator: &Emulator) -> TcpStream {
    let mut stream = TcpStream::connect(address(&emulator.url())).expect("a connection");
    stream.set_read_timeout(Some(BOUND)).expect("a timeout");
    stream.write_all(request().as_bytes()).expect("a request on its way");
    stream
}

/// Everything until the connection ends, however it ends.
pub(crate) fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes);
    let timed_out =
        end.is_err_and(|error| matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    assert!(!timed_out, "the connection stays open");
    String::from_utf8(bytes).expect("text")
}

/// Head and body of the answer.
pub(crate) fn answer(emulator: &Emulator) -> (String, String) {
    let whole = rest(ask(emulator));
    let (head, body) = whole.split_once("\r\n\r\n").expect("an answer with a head");
    (head.to_owned(), body.to_owned())
}

/// A header of a head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
