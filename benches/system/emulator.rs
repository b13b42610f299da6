//! The STS emulator as a process of its own: this program again, with another first argument.

use evertoken::emulator::{Emulator, Settings};
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Answers every line with the number of requests so far, and ends when nobody is left who could ask.
pub(crate) fn serve() {
    let sts = Emulator::start(Settings { record: 1, ..Settings::default() }).expect("an emulator");
    println!("{}", sts.url());
    for _ in io::stdin().lock().lines().map_while(Result::ok) {
        println!("{}", sts.request_count());
    }
}

/// The handle on that process.
pub(crate) struct Sts {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Sts {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.arg("emulator").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program starts");
        let orders = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().expect("its output"));
        let url = line(&mut answers);
        Self { child, orders, answers, url }
    }

    pub(crate) fn requests(&mut self) -> usize {
        writeln!(self.orders.as_ref().expect("until it is dropped")).expect("it takes orders");
        line(&mut self.answers).parse().expect("a number")
    }
}

fn line(answers: &mut impl BufRead) -> String {
    let mut line = String::new();
    answers.read_line(&mut line).expect("it answers");
    line.trim().to_owned()
}

impl Drop for Sts {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _gone_already = self.child.wait();
    }
}
