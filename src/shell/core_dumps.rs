//! Keeps keys out of core files. Nothing else about the process is changed, and no failure of it stops anybody.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// No core file of this process from now on. A program that takes its place (exec) can have one again on Linux, but
/// inherits the limit, so whoever becomes another program leaves this out.
pub fn refuse() {
    let maximum = getrlimit(Resource::Core).maximum;
    let _the_system_may_forbid_it = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    // Also where cores go to a program, which need not heed the limit (core(5)).
    #[cfg(target_os = "linux")]
    let _old_kernels_refuse = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn leaves_no_room_for_a_core_file() {
        super::refuse();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        #[cfg(target_os = "linux")]
        assert_eq!(rustix::process::dumpable_behavior(), Ok(rustix::process::DumpableBehavior::NotDumpable));
    }
}
