//! Scripts that tests have evertoken start. Another process writes them: this one has threads that start children at any
//! moment, and a child that had inherited the file while it was open for writing would keep it from being started ("text
//! file busy").

use std::path::Path;
use std::process::Command;

/// Makes a program of its owner of this text, in the place of what may be there.
pub(crate) fn script(path: &Path, text: &str) {
    let write = "umask 077 && rm -f -- \"$0\" && printf %s \"$1\" >\"$0\" && chmod 700 -- \"$0\"";
    let status = Command::new("/bin/sh").args(["-c", write]).arg(path).arg(text).status().expect("a shell");
    assert!(status.success(), "{} was not written: {status}", path.display());
}
