use super::{Errno, Fault, SourceFault, io, unreadable};
use std::path::Path;

#[test]
fn what_passes_by_itself_is_told_from_what_a_person_has_to_mend() {
    let path = Path::new("/home/me/.aws/config");
    let is_for_a_person = |error: io::Error| match unreadable(path, &error) {
        Fault::Source(SourceFault::Unreadable { path: named, why }) => {
            assert_eq!((Path::new(&named), why), (path, error.to_string()));
            true
        }
        Fault::Source(SourceFault::Unsettled { path: named, why }) => {
            assert_eq!((Path::new(&named), why), (path, error.to_string()));
            false
        }
        other => panic!("{other:?}"),
    };
    for errno in [Errno::ACCESS, Errno::PERM, Errno::ISDIR, Errno::NOTDIR, Errno::LOOP, Errno::NAMETOOLONG, Errno::NXIO]
    {
        assert!(is_for_a_person(errno.into()), "{errno}");
    }
    for errno in [Errno::IO, Errno::STALE, Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::TIMEDOUT, Errno::NOTCONN] {
        assert!(!is_for_a_person(errno.into()), "{errno}");
    }
    assert!(is_for_a_person(io::Error::new(io::ErrorKind::InvalidInput, "this is not a regular file")));
    assert!(!is_for_a_person(io::Error::new(io::ErrorKind::TimedOut, "it does not stand still")));
}
