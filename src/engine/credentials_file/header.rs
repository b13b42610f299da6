//! A section header: the names that one reader or another takes from it, and whether all of them see a header at all.
//! Never decides which section is edited.

/// How far readers agree on a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Clarity {
    /// `[name]`, perhaps with a comment after it: the same section to all of them.
    Clear,
    /// A section to all of them, but its name is not the same to all: `[ name ]`, `["name"]`, `[profile name]`.
    Loose,
    /// To some it does not start a section, or it breaks the file: `[name]# comment`, `[name] word`, an indented
    /// header, one that does not close.
    Blurred,
}

/// A header and its readings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// How far readers agree.
    pub(super) clarity: Clarity,
    /// Every name that a reader might take from it; exactly one when it is clear.
    pub(super) names: Vec<String>,
}

/// Reads a line that starts with `[`, after space perhaps. `None` when it does not start so.
pub(super) fn read(line: &str) -> Option<Header> {
    // Space beyond these two is none to every reader: after the bracket it breaks the header for some.
    let text = line.trim_start().trim_end_matches([' ', '\t']);
    let inner = text.strip_prefix('[')?;
    let closes = inner.contains(']');
    let (name, after) = inner.split_once(']').unwrap_or((inner, ""));
    // By far the most headers, and a file may have thousands: what all readers take alike needs no look at their ways.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-/%@:+".contains(c);
    if closes && line.starts_with('[') && after.is_empty() && !name.is_empty() && name.chars().all(is_plain) {
        return Some(Header { clarity: Clarity::Clear, names: vec![name.to_owned()] });
    }
    let indented = line.starts_with(char::is_whitespace);
    let tail_is_plain =
        after.is_empty() || (after.starts_with([' ', '\t']) && after.trim_start().starts_with(['#', ';']));
    let clarity = if !closes || indented || !tail_is_plain || after.contains(']') || name.contains(['[', '#', ';']) {
        Clarity::Blurred
    } else if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'') {
        Clarity::Loose
    } else {
        Clarity::Clear
    };
    let mut names = Vec::new();
    // Readers differ in which bracket closes: the first, the last, or the last one before what looks like a comment.
    let comment = inner.find(['#', ';']).unwrap_or(inner.len());
    let spaced_comment =
        [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| inner.find(mark)).min().unwrap_or(inner.len());
    let ends = [inner.find(']'), inner.rfind(']'), inner[..comment].rfind(']'), inner[..spaced_comment].rfind(']')];
    // One that does not close is no header to any reader, but to whoever wrote it: what stands below is not meant for the
    // section above.
    for end in ends.into_iter().chain([(!closes).then_some(inner.len())]) {
        for name in end.into_iter().flat_map(|at| readings(&inner[..at])) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Some(Header { clarity, names })
}

/// What is between the brackets, as it is, without space, without quotes, without the prefix of the config file.
fn readings(inner: &str) -> Vec<String> {
    let bare = |text: &str| text.trim().trim_matches(['"', '\'']).trim().to_owned();
    let mut readings = vec![inner.trim().to_owned(), bare(inner)];
    let unquoted = bare(inner);
    if let Some(rest) = unquoted.strip_prefix("profile").filter(|rest| rest.starts_with(char::is_whitespace)) {
        readings.push(bare(rest));
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::{Clarity, read};

    #[test]
    fn readers_agree_on_the_plain_form_and_on_nothing_else() {
        let cases = [
            ("[dev]", Clarity::Clear),
            ("[dev] \t", Clarity::Clear),
            ("[dev] ; of the team", Clarity::Clear),
            ("[dev]\t# of the team", Clarity::Clear),
            ("[ dev ]", Clarity::Loose),
            ("[\"dev\"]", Clarity::Loose),
            ("[profile dev]", Clarity::Loose),
            ("[profile \"dev\"]", Clarity::Loose),
            ("[profile\tdev ]", Clarity::Loose),
            (" [dev]", Clarity::Blurred),
            ("[dev]\u{a0}", Clarity::Blurred),
            ("[dev]# no space", Clarity::Blurred),
            ("[dev] word", Clarity::Blurred),
            ("[dev] # with ]", Clarity::Blurred),
            ("[dev#1]", Clarity::Blurred),
            ("[dev]]", Clarity::Blurred),
            ("  [dev", Clarity::Blurred),
        ];
        for (line, clarity) in cases {
            let header = read(line).expect("a header");
            assert_eq!(header.clarity, clarity, "{line}");
            let about_dev = header.names.iter().any(|name| name == "dev");
            assert_eq!(about_dev, line != "[dev#1]", "{line}: {:?}", header.names);
            assert!(clarity != Clarity::Clear || header.names == ["dev"], "{line}: {:?}", header.names);
        }
        assert_eq!(read("dev]"), None);
        assert!(!read("[DEV]").expect("a header").names.contains(&"dev".to_owned()));
    }
}
