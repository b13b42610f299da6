//! Which path of this program goes into a unit: the one that stays when a package manager puts another version behind
//! it. Starts nothing.

use crate::commands::ending::{Ending, NOT_FINE};
use crate::shell::environment::Environment;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Folders in which package managers put links to what they have installed, beside those of `PATH`.
const LINKS: [&str; 6] = [
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
    "/run/current-system/sw/bin",
    "/usr/bin",
    "/snap/bin",
];
/// Emptied at the next start, if not earlier.
const FLEETING: [&str; 6] = ["/tmp", "/var/tmp", "/private/tmp", "/private/var/tmp", "/dev/shm", "/run/user"];

/// The program, as a unit should name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Absolute.
    pub path: PathBuf,
    /// What a person should know about it.
    pub remark: Option<String>,
}

/// The best path of the program that runs right now.
///
/// # Errors
/// 1 when it lies where it will not stay: below /tmp, or in the target folder of a build.
pub fn find(environment: &Environment) -> Result<Program, Ending> {
    let exe = std::env::current_exe().map_err(|error| Ending::failed(format!("find this program: {error}")))?;
    let called = std::env::args_os().next().unwrap_or_default();
    let mut folders: Vec<PathBuf> =
        environment.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    folders.extend(LINKS.map(PathBuf::from));
    folders.extend(environment.home().map(|home| home.join(".nix-profile/bin")));
    let same = |path: &Path| identity(path).is_some() && identity(path) == identity(&exe);
    let path = choose(candidates(called, &folders, &exe), same);
    if let Some(why) = fleeting(&path) {
        let shown = path.display();
        let fix = "cargo install --locked --path . (or your package manager), and use that one";
        return Err(Ending::new(NOT_FINE, format!("{shown} {why}: a service needs a program that stays\nfix: {fix}")));
    }
    let remark = is_versioned(&path).then(|| {
        format!("{} is the path of this one version: install the service again after an upgrade", path.display())
    });
    Ok(Program { path, remark })
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// As it was called, then as it is found under its name, then what the kernel calls it.
fn candidates(called: OsString, folders: &[PathBuf], exe: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let called = PathBuf::from(called);
    let by_path = called.components().count() > 1;
    found.extend(Some(&called).filter(|_| by_path).and_then(|path| std::path::absolute(path).ok()).map(tidy));
    let name = called.file_name().map_or_else(|| OsString::from("evertoken"), OsString::from);
    found.extend(folders.iter().filter(|folder| folder.is_absolute()).map(|folder| folder.join(&name)));
    found.push(exe.to_owned());
    found
}

/// Without `..`, which is no way for a path that is to be read by people; links make it mean something else sometimes,
/// which is why it is compared with the program afterwards.
fn tidy(path: PathBuf) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut tidy, part| {
        if part == Component::ParentDir {
            tidy.pop();
        } else {
            tidy.push(part);
        }
        tidy
    })
}

/// The first that is this program and not the path of one version of it.
fn choose(candidates: Vec<PathBuf>, same: impl Fn(&Path) -> bool) -> PathBuf {
    let last = candidates.last().cloned().unwrap_or_default();
    let mut ours = candidates.into_iter().filter(|path| same(path)).peekable();
    let first = ours.peek().cloned().unwrap_or(last);
    ours.find(|path| !is_versioned(path)).unwrap_or(first)
}

/// What a package manager hides behind its links: the next version has another path, and this one is cleaned away.
fn is_versioned(path: &Path) -> bool {
    path.starts_with("/nix/store")
        || path.starts_with("/gnu/store")
        || path.components().any(|part| part == Component::Normal("Cellar".as_ref()))
}

fn fleeting(path: &Path) -> Option<&'static str> {
    if FLEETING.iter().any(|folder| path.starts_with(folder)) {
        return Some("lies in a folder for temporary files");
    }
    is_built(path).then_some("is a build that the next cargo command replaces")
}

fn is_built(path: &Path) -> bool {
    // Cargo marks the folder that it builds into; programs stand one or two levels below.
    let target = path.ancestors().skip(1).take(4).find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let below = target.and_then(|target| path.strip_prefix(target).ok());
    let of_a_build = |part: Component<'_>| matches!(part.as_os_str().to_str(), Some("debug" | "release"));
    below.is_some_and(|below| below.components().take(2).any(of_a_build))
}

#[cfg(test)]
mod tests {
    use super::{candidates, choose, fleeting, is_built};
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    fn chosen(called: &str, folders: &[&str], exe: &str, same: &[&str]) -> PathBuf {
        let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
        let candidates = candidates(OsString::from(called), &folders, Path::new(exe));
        choose(candidates, |path| same.iter().any(|same| path == Path::new(same)))
    }

    #[test]
    fn the_link_is_chosen_and_not_what_lies_behind_it() {
        let cellar = "/opt/homebrew/Cellar/evertoken/0.1.0/bin/evertoken";
        let link = "/opt/homebrew/bin/evertoken";
        assert_eq!(chosen("evertoken", &["/bin", "/opt/homebrew/bin"], cellar, &[link, cellar]), Path::new(link));
        assert_eq!(chosen(cellar, &["/opt/homebrew/bin"], cellar, &[link, cellar]), Path::new(link));
        assert_eq!(chosen("evertoken", &["/bin"], cellar, &[cellar]), Path::new(cellar));
        let store = "/nix/store/0c0ffee-evertoken-0.1.0/bin/evertoken";
        let profile = "/home/me/.nix-profile/bin/evertoken";
        assert_eq!(chosen("evertoken", &["/home/me/.nix-profile/bin"], store, &[profile, store]), Path::new(profile));
    }

    #[test]
    fn another_program_of_the_same_name_is_not_taken_for_it() {
        let ours = "/home/me/.cargo/bin/evertoken";
        assert_eq!(chosen("evertoken", &["/usr/bin", "/home/me/.cargo/bin"], ours, &[ours]), Path::new(ours));
        assert_eq!(chosen("/home/me/x/../.cargo/bin/evertoken", &["/usr/bin"], ours, &[ours]), Path::new(ours));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test marks the folder as cargo does")]
    fn what_will_not_stay_is_told() {
        assert!(fleeting(Path::new("/tmp/evertoken")).is_some());
        assert!(fleeting(Path::new("/usr/bin/evertoken")).is_none());
        let target = tempfile::tempdir().expect("a folder");
        let builds = ["debug/evertoken", "release/deps/evertoken", "x86_64-unknown-linux-gnu/release/evertoken"];
        let built = |name: &str| is_built(&target.path().join(name));
        assert!(!builds.into_iter().any(built), "cargo has not marked it");
        std::fs::write(target.path().join("CACHEDIR.TAG"), "").expect("a mark");
        assert!(builds.into_iter().all(built));
        assert!(!built("package/evertoken"), "what .ci/package has made stays");
    }
}
