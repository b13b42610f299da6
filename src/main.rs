//! The `evertoken` binary: hands over to the commands at once.

use std::process::ExitCode;

fn main() -> ExitCode {
    evertoken::commands::main()
}
