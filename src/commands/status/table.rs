//! The table of profiles: which columns a terminal has room for, and how wide each is. Knows nothing of troubles.

use super::fit::{clean, columns, cut};
use super::render::{colour, paint};
use crate::commands::humane;
use crate::engine::status::{Profile, State};
use crate::engine::time::WallTime;
use jiff::tz::TimeZone;

/// From this width on there is room for more than what is asked for first.
const WIDE: usize = 100;
/// Between two columns.
const GAP: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Column {
    Profile,
    State,
    Left,
    Until,
    Next,
    Source,
    Role,
}

/// Who gives way first, and down to which width: one name of seventy characters does not take the room of all others.
const GIVE_WAY: [(Column, usize); 9] = [
    (Column::Profile, 32),
    (Column::Role, 34),
    (Column::Source, 20),
    (Column::Role, 22),
    (Column::Source, 16),
    (Column::Profile, 24),
    (Column::Source, 10),
    (Column::Role, 16),
    (Column::Profile, 16),
];
/// In this order columns go when even the narrowest do not fit; what is left is cut.
const FIRST_TO_GO: [Column; 4] = [Column::Role, Column::Until, Column::Source, Column::Next];

impl Column {
    const fn head(self) -> &'static str {
        match self {
            Self::Profile => "PROFILE",
            Self::State => "STATE",
            Self::Left => "LEFT",
            Self::Until => "UNTIL",
            Self::Next => "NEXT",
            Self::Source => "SOURCE",
            Self::Role => "ROLE",
        }
    }
}

/// What the cells are told in.
pub(super) struct Table<'a> {
    pub(super) now: WallTime,
    pub(super) zone: &'a TimeZone,
    pub(super) width: usize,
    pub(super) colour: bool,
}

impl Table<'_> {
    /// The head and one line for each profile, none of them wider than the terminal.
    pub(super) fn lines(&self, profiles: &[&Profile]) -> Vec<String> {
        let mut shown = vec![Column::Profile, Column::State, Column::Left, Column::Next, Column::Source];
        if self.width >= WIDE {
            shown.insert(3, Column::Until);
            shown.push(Column::Role);
        }
        let cell = |profile: &Profile, column| clean(&self.cell(profile, column));
        let natural = |column: Column| {
            let widest = profiles.iter().map(|profile| columns(&cell(profile, column))).max().unwrap_or(0);
            (column, widest.max(column.head().len()))
        };
        let widths = fitted(shown.into_iter().map(natural).collect(), self.width);
        let line = |cells: &mut dyn FnMut(Column) -> (String, Option<&'static str>)| {
            let mut line = String::new();
            let mut gap = 0;
            for (column, width) in &widths {
                let (text, ink) = cells(*column);
                let text = cut(&text, *width);
                line.push_str(&" ".repeat(gap));
                line.push_str(&paint(ink.filter(|_| self.colour), &text));
                gap = width - columns(&text) + GAP;
            }
            line
        };
        let head = line(&mut |column| (column.head().to_owned(), None));
        let mut lines = vec![paint(Some("\x1b[2m").filter(|_| self.colour), &head)];
        lines.extend(profiles.iter().map(|profile| {
            line(&mut |column| {
                let ink = matches!(column, Column::State).then(|| colour(profile.state));
                (cell(profile, column), ink)
            })
        }));
        lines
    }

    fn cell(&self, profile: &Profile, column: Column) -> String {
        match column {
            Column::Profile => profile.profile.clone(),
            Column::State => profile.state.as_str().to_owned(),
            Column::Left => match profile.expires_in_seconds {
                Some(seconds) if seconds > 0 => humane::life(seconds.unsigned_abs()),
                Some(_) => "ended".to_owned(),
                None => "none".to_owned(),
            },
            Column::Until => self.clock(profile.expires.as_deref()),
            Column::Next => self.clock(profile.next_refresh.as_deref()),
            Column::Source => profile.source.clone(),
            Column::Role => role(profile),
        }
    }

    /// An RFC 3339 time as the clock on the wall shows it.
    pub(super) fn clock(&self, time: Option<&str>) -> String {
        let parsed = time.and_then(|text| WallTime::parse(text).ok());
        parsed.map_or_else(|| "-".to_owned(), |time| humane::clock(time, self.now, self.zone))
    }
}

/// Takes from those that may be cut until all fit; then drops columns.
fn fitted(mut widths: Vec<(Column, usize)>, room: usize) -> Vec<(Column, usize)> {
    loop {
        let mut excess = (widths.iter().map(|(_, width)| width + GAP).sum::<usize>() - GAP).saturating_sub(room);
        for (column, floor) in GIVE_WAY {
            let Some((_, width)) = widths.iter_mut().find(|(shown, _)| *shown == column) else { continue };
            let given = excess.min(width.saturating_sub(floor));
            *width -= given;
            excess -= given;
        }
        if excess == 0 {
            return widths;
        }
        let Some(gone) = FIRST_TO_GO.iter().find(|gone| widths.iter().any(|(column, _)| column == *gone)) else {
            // Narrower than anybody's terminal: the profile gives what it can.
            if let Some((_, width)) = widths.first_mut() {
                *width = width.saturating_sub(excess).max(1);
            }
            return widths;
        };
        widths.retain(|(column, _)| column != gone);
    }
}

/// `Developer in 111122223333`.
fn role(profile: &Profile) -> String {
    let Some(arn) = profile.role_arn.as_deref() else { return "-".to_owned() };
    let mut fields = arn.splitn(6, ':');
    let account = fields.nth(4);
    let name = fields.next().and_then(|resource| resource.rsplit('/').next());
    match (name, account) {
        (Some(name), Some(account)) => format!("{name} in {account}"),
        _ => arn.to_owned(),
    }
}

/// `12 fresh, 3 retrying`.
pub(super) fn counted(profiles: &[&Profile]) -> String {
    const STATES: [State; 6] =
        [State::Expired, State::Waiting, State::Refused, State::Retrying, State::Outdated, State::Fresh];
    let count = |state| profiles.iter().filter(|profile| profile.state == state).count();
    let counts = STATES.into_iter().map(|state| (count(state), state)).filter(|(count, _)| *count > 0);
    counts.map(|(count, state)| format!("{count} {}", state.as_str())).collect::<Vec<_>>().join(", ")
}
