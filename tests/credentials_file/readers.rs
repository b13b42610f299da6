//! Two readers of the credentials file, as strict and as generous as the real ones: Python's configparser below
//! botocore, and the line reader of the JS SDK. They share nothing with the code under test; `tests/readers/run` holds
//! them to the originals.

#![expect(clippy::expect_used, reason = "a broken promise is to end the test")]

use std::collections::BTreeMap;

/// Keys and values by section.
pub(crate) type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// `RawConfigParser().read(…)` and the nested blocks of `botocore.configloader.raw_config_parse`: one mistake anywhere
/// and no profile can be read at all.
pub(crate) fn botocore(bytes: &[u8]) -> Result<Sections, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?.replace("\r\n", "\n").replace('\r', "\n");
    let mut sections: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let (mut section, mut option): (Option<String>, Option<String>) = (None, None);
    let mut level = 0;
    for (number, line) in text.split('\n').enumerate() {
        let mut value_lines = match (&section, &option) {
            (Some(section), Some(option)) => sections.get_mut(section).and_then(|options| options.get_mut(option)),
            _ => None,
        };
        let value = line.trim();
        if value.is_empty() {
            if let Some(lines) = &mut value_lines {
                lines.push(String::new());
            }
            continue;
        }
        if value.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if let (Some(lines), true) = (value_lines, indent > level) {
            lines.push(value.to_owned());
            continue;
        }
        level = indent;
        let header = value.strip_prefix('[').and_then(|rest| rest.rfind(']').map(|at| &rest[..at]));
        if let Some(name) = header.filter(|name| !name.is_empty()) {
            if sections.contains_key(name) && name != "DEFAULT" {
                return Err(format!("line {}: a second section {name}", number + 1));
            }
            sections.entry(name.to_owned()).or_default();
            (section, option) = (Some(name.to_owned()), None);
            continue;
        }
        let Some(name) = &section else { return Err(format!("line {}: no section header", number + 1)) };
        let Some(at) = value.find(['=', ':']).filter(|at| !value[..*at].trim().is_empty()) else {
            return Err(format!("line {}: no option", number + 1));
        };
        let key = value[..at].trim_end().to_lowercase();
        let options = sections.get_mut(name).expect("a section that was entered");
        if options.insert(key.clone(), vec![value[at + 1..].trim().to_owned()]).is_some() {
            return Err(format!("line {}: a second {key}", number + 1));
        }
        option = Some(key);
    }
    let mut read = Sections::new();
    for (name, options) in sections {
        let options = options.into_iter().map(|(key, lines)| (key, lines.join("\n").trim_end().to_owned()));
        let options: BTreeMap<String, String> = options.collect();
        let is_nested = |value: &&String| value.starts_with('\n');
        if options
            .values()
            .filter(is_nested)
            .any(|value| value.lines().any(|l| !l.trim().is_empty() && !l.contains('=')))
        {
            return Err(format!("a nested block in {name} without ="));
        }
        read.insert(name, options);
    }
    Ok(read)
}

/// `parseIni` of the JS SDK: never fails, skips what it does not understand, and the last one wins.
pub(crate) fn javascript(bytes: &[u8]) -> Sections {
    let text = String::from_utf8_lossy(bytes);
    let mut sections = Sections::new();
    let (mut section, mut block): (Option<String>, Option<String>) = (None, None);
    for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        let is_space = |c: char| c.is_whitespace() || c == '\u{feff}';
        let mut before = ' ';
        let comment = line.char_indices().find_map(|(at, c)| {
            let found = matches!(c, ';' | '#') && is_space(before);
            before = c;
            found.then_some(at)
        });
        let text = line[..comment.unwrap_or(line.len())].trim_matches(is_space);
        if text.starts_with('[') && text.ends_with(']') {
            block = None;
            section = section_name(text.get(1..text.len() - 1).unwrap_or_default());
        } else if let (Some(section), Some((key, value))) =
            (&section, text.split_once('=').filter(|(key, _)| !key.is_empty()))
        {
            let (key, value) = (key.trim_matches(is_space), value.trim_matches(is_space));
            if value.is_empty() {
                block = Some(key.to_owned());
                continue;
            }
            if !line.starts_with(is_space) {
                block = None;
            }
            let key = block.as_ref().map_or_else(|| key.to_owned(), |block| format!("{block}.{key}"));
            sections.entry(section.clone()).or_default().insert(key, value.to_owned());
        }
    }
    sections
}

/// `[kind name]` is known by `kind.name` for the kinds that there are, and skipped for all others.
fn section_name(inner: &str) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| is_word(c) || "@+.%:/".contains(c));
    let unquoted = |name: &'_ str| -> Option<String> {
        let quote = name.chars().next().filter(|c| matches!(c, '"' | '\''));
        let bare = quote.map_or(Some(name), |quote| name.strip_prefix(quote)?.strip_suffix(quote));
        bare.filter(|bare| is_name(bare)).map(str::to_owned)
    };
    let pair = inner.split_once(char::is_whitespace).filter(|(kind, _)| !kind.is_empty() && kind.chars().all(is_word));
    match pair.and_then(|(kind, name)| unquoted(name).map(|name| (kind, name))) {
        Some((kind @ ("profile" | "sso-session" | "services"), name)) => Some(format!("{kind}.{name}")),
        Some(_) => None,
        None => Some(inner.to_owned()).filter(|inner| !inner.is_empty()),
    }
}
