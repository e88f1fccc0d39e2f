//! The key table: one line a key, from which the dispatch, the last line of the screen and the help page are made.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key means. Panels act on these, never on keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the key table says what each does")]
pub enum Command {
    Services,
    Topology,
    Events,
    Profiles,
    ProbesPage,
    DiagnosePage,
    Fleet,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    NextPane,
    NextTab,
    PreviousTab,
    Zoom,
    Open,
    LastView,
    Palette,
    Filter,
    NextMatch,
    PreviousMatch,
    SortMenu,
    Hidden,
    Wide,
    Changes,
    Profile,
    EndProfile,
    Probe,
    Detach,
    NextProbeView,
    Mark,
    Attach,
    Confirm,
    Diagnose,
    ToText,
    ToFindings,
    ZoomIn,
    PreviousBox,
    NextBox,
    Invert,
    MergeRecursion,
    ByThread,
    Deeper,
    Shallower,
    ToCaller,
    ToCallee,
    Freeze,
    StepBack,
    StepOn,
    Halve,
    Double,
    Pick,
    Note,
    Now,
    Compare,
    CopyMenu,
    ExportMenu,
    StartColony,
    Out,
    Back,
    Help,
    Quit,
    Suspend,
    Repaint,
    Mouse,
    Keep,
    Take,
}

/// Where a key has its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere, also while text is typed.
    Everywhere,
    /// On every page.
    Pages,
    /// On every page that shows data.
    Time,
    /// On a page with rows.
    Rows,
    /// On a page with two panes.
    Panes,
    /// Where the row leads on.
    Leads,
    /// On Services, and on the routes of a service.
    Sorted,
    /// On Services.
    Services,
    /// On Topology.
    Topology,
    /// On Events.
    Events,
    /// On the page of a service.
    Service,
    /// On Diagnose.
    Diagnose,
    /// In a flame graph.
    Profile,
    /// On a service, or on a row of one.
    Subject,
    /// On Probes.
    Probes,
    /// On a probe, unless the console only reads.
    Detach,
    /// On a service or a function, or on a row of one, unless the console only reads.
    Probing,
    /// While functions are chosen; every other printable key is text there.
    Attach,
    /// While the console asks whether something is to be done.
    Confirm,
    /// On every page that shows data, unless the console only reads.
    Act,
    /// When no colony answers.
    Start,
    /// While a text is typed; every printable key is text there.
    Typing,
    /// In the palette.
    Palette,
    /// In a menu.
    Menu,
    /// On the help page.
    Help,
}

impl Scope {
    /// The heading on the help page.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Pages => "pages",
            Self::Time => "time",
            Self::Rows => "rows",
            Self::Panes => "panes",
            Self::Leads => "on a row that leads on",
            Self::Sorted => "on Services and the routes of a service",
            Self::Services => "Services",
            Self::Topology => "Topology",
            Self::Events => "Events",
            Self::Service => "a service",
            Self::Diagnose => "Diagnose",
            Self::Profile => "a flame graph",
            Self::Probes => "Probes",
            Self::Detach => "on a probe",
            Self::Probing => "on a service or a function",
            Self::Attach => "while functions are chosen",
            Self::Confirm => "when the console asks",
            Self::Subject => "on a service, or on a row of one",
            Self::Act => "act",
            Self::Start => "when no colony answers",
            Self::Typing => "while the filter, a moment or a note is typed",
            Self::Palette => "in the palette",
            Self::Menu => "in a menu",
            Self::Help => "on the help page",
        }
    }
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Chord {
    /// The key of an event; the shift of a letter is in the letter.
    pub fn of(event: &KeyEvent) -> Self {
        let modifiers = match event.code {
            KeyCode::Char(_) => event.modifiers - KeyModifiers::SHIFT,
            KeyCode::BackTab => event.modifiers - KeyModifiers::SHIFT,
            _ => event.modifiers,
        };
        Self {
            code: event.code,
            modifiers,
        }
    }

    /// As it is written in the help.
    pub fn label(&self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.modifiers.is_empty() => c.to_string(),
            KeyCode::Char(c) => c.to_ascii_uppercase().to_string(),
            KeyCode::F(n) => format!("F{n}"),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            other => format!("{other:?}"),
        };
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            format!("Ctrl-{name}")
        } else if self.modifiers.contains(KeyModifiers::ALT) {
            format!("Alt-{name}")
        } else {
            name
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Binding {
    /// Where.
    pub scope: Scope,
    /// Which keys; the first stands for them.
    pub chords: &'static [Chord],
    /// What they mean.
    pub command: Command,
    /// The word on the last line of the screen; empty for keys that everybody knows.
    pub word: &'static str,
    /// The sentence on the help page.
    pub help: &'static str,
}

const fn code(code: KeyCode) -> Chord {
    let modifiers = KeyModifiers::NONE;
    Chord { code, modifiers }
}

const fn key(c: char) -> Chord {
    code(KeyCode::Char(c))
}

const fn ctrl(c: char) -> Chord {
    Chord {
        code: KeyCode::Char(c),
        modifiers: KeyModifiers::CONTROL,
    }
}

const fn alt(c: char) -> Chord {
    Chord {
        code: KeyCode::Char(c),
        modifiers: KeyModifiers::ALT,
    }
}

const fn line(
    scope: Scope,
    chords: &'static [Chord],
    command: Command,
    word: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        scope,
        chords,
        command,
        word,
        help,
    }
}

/// The table. Within the scopes that hold at the same time no key has two meanings; a test sees to it.
#[rustfmt::skip]
pub const TABLE: &[Binding] = &[
    line(Scope::Start, &[key('u')], Command::StartColony, "start one here", "start a colony and an agent on this machine"),
    line(Scope::Leads, &[code(KeyCode::Enter)], Command::Open, "open", "into what the row shows: the service, and its moment; what shows a piece of evidence"),
    line(Scope::Probes, &[key('v')], Command::NextProbeView, "durations", "single calls, durations, who called whom"),
    line(Scope::Detach, &[key('D')], Command::Detach, "detach", "detach the probe, after a question; one that is over leaves the list"),
    line(Scope::Rows, &[key('j'), code(KeyCode::Down)], Command::Down, "", "next row"),
    line(Scope::Rows, &[key('k'), code(KeyCode::Up)], Command::Up, "", "previous row"),
    line(Scope::Rows, &[code(KeyCode::PageDown)], Command::PageDown, "", "a screen down"),
    line(Scope::Rows, &[code(KeyCode::PageUp)], Command::PageUp, "", "a screen up"),
    line(Scope::Rows, &[code(KeyCode::Home), key('g')], Command::Top, "", "first row"),
    line(Scope::Rows, &[code(KeyCode::End), key('G')], Command::Bottom, "", "last row"),
    line(Scope::Rows, &[key('/')], Command::Filter, "filter", "filter: word, !not, ~fuzzy, err>1, p95>500"),
    line(Scope::Rows, &[key('n')], Command::NextMatch, "", "next match; without a filter the next in trouble"),
    line(Scope::Rows, &[key('N')], Command::PreviousMatch, "", "previous match"),
    line(Scope::Service, &[code(KeyCode::Tab), code(KeyCode::Right)], Command::NextTab, "tab", "next tab: routes, callers, callees, instances, changes"),
    line(Scope::Service, &[code(KeyCode::BackTab), code(KeyCode::Left)], Command::PreviousTab, "", "previous tab"),
    line(Scope::Topology, &[code(KeyCode::Left)], Command::ToCaller, "", "to an edge that leads to this caller"),
    line(Scope::Topology, &[code(KeyCode::Right)], Command::ToCallee, "", "to an edge that leads on"),
    line(Scope::Topology, &[key('>')], Command::Deeper, "", "a wider neighbourhood, when not all is drawn"),
    line(Scope::Topology, &[key('<')], Command::Shallower, "", "a smaller neighbourhood"),
    line(Scope::Topology, &[key('w')], Command::Wide, "tree", "as a drawing, or as a tree with columns"),
    line(Scope::Events, &[key('v')], Command::Changes, "changes", "all events, or changes alone: starts, new builds, crashes"),
    line(Scope::Profile, &[code(KeyCode::Enter)], Command::ZoomIn, "zoom", "the box fills the width; from the table to the function's widest box"),
    line(Scope::Profile, &[code(KeyCode::Left)], Command::PreviousBox, "", "the box before in the row; up and down: caller and callee"),
    line(Scope::Profile, &[code(KeyCode::Right)], Command::NextBox, "", "the next box in the row"),
    line(Scope::Profile, &[code(KeyCode::Tab)], Command::NextPane, "functions", "to the table of functions, and back"),
    line(Scope::Profile, &[key('i')], Command::Invert, "invert", "from the functions back to their callers, and back"),
    line(Scope::Profile, &[key('M')], Command::MergeRecursion, "merge", "a function that is called again below itself stands there once"),
    line(Scope::Profile, &[key('T')], Command::ByThread, "threads", "each thread by itself: its name is the first frame"),
    line(Scope::Profile, &[key('D')], Command::EndProfile, "end", "end the finer profile early"),
    line(Scope::Subject, &[key('p')], Command::Profile, "profile", "its flame graph, with a finer profile from now on: 99 times a second for 30 s"),
    line(Scope::Probing, &[key('a')], Command::Probe, "probe", "probe functions of it: choose them, then see each call for 60 s"),
    line(Scope::Time, &[key('d')], Command::Diagnose, "diagnose", "what is wrong and why: with the service of the row, at the moment of an event, else with all"),
    line(Scope::Diagnose, &[code(KeyCode::Right)], Command::ToText, "", "to the text: up and down reach each [E1], Enter opens what shows it"),
    line(Scope::Diagnose, &[code(KeyCode::Left)], Command::ToFindings, "", "back to the findings"),
    line(Scope::Time, &[key('[')], Command::StepBack, "", "a tenth of the window back"),
    line(Scope::Time, &[key(']')], Command::StepOn, "", "a tenth of the window on"),
    line(Scope::Time, &[key('=')], Command::Compare, "compare", "compare with 1 h before, 1 d before, nothing"),
    line(Scope::Time, &[key('0')], Command::Now, "", "back to now"),
    line(Scope::Time, &[key('{')], Command::Halve, "", "half the window"),
    line(Scope::Time, &[key('}')], Command::Double, "", "twice the window"),
    line(Scope::Sorted, &[key('s')], Command::SortMenu, "sort", "sort by a column"),
    line(Scope::Rows, &[key('.')], Command::Hidden, "system", "show or fold system, coral and outside"),
    line(Scope::Rows, &[key('y')], Command::CopyMenu, "copy", "copy the value, the row, the command, a link, markdown"),
    line(Scope::Time, &[key(' ')], Command::Freeze, "freeze", "freeze the picture, and go on live"),
    line(Scope::Services, &[key('w')], Command::Wide, "columns", "other columns: counts, p90, longest, what it speaks"),
    line(Scope::Rows, &[key('z')], Command::Zoom, "full screen", "the pane on the full screen, and back"),
    line(Scope::Time, &[key('t')], Command::Pick, "time", "pick a moment: 14:32, -2h, yesterday 03:00"),
    line(Scope::Panes, &[code(KeyCode::Tab)], Command::NextPane, "pane", "to the other pane"),
    line(Scope::Rows, &[key('e')], Command::ExportMenu, "export", "write the table to a file: csv, json, markdown; a flame graph: svg, folded, pprof"),
    line(Scope::Act, &[key('m')], Command::Note, "note", "write something down on the timeline"),
    line(Scope::Pages, &[key('1')], Command::Services, "", "page 1, Services"),
    line(Scope::Pages, &[key('2')], Command::Topology, "", "page 2, Topology"),
    line(Scope::Pages, &[key('3')], Command::Events, "", "page 3, Events"),
    line(Scope::Pages, &[key('5')], Command::Profiles, "", "page 5, Profiles"),
    line(Scope::Pages, &[key('6')], Command::ProbesPage, "", "page 6, Probes"),
    line(Scope::Pages, &[key('7')], Command::DiagnosePage, "", "page 7, Diagnose"),
    line(Scope::Pages, &[key('9')], Command::Fleet, "", "page 9, Fleet"),
    line(Scope::Pages, &[key(':'), ctrl('p')], Command::Palette, "go to", "go to anything: page, command, service, host, pid, port, route"),
    line(Scope::Pages, &[key('-')], Command::LastView, "", "the view before this one"),
    line(Scope::Pages, &[code(KeyCode::Esc)], Command::Out, "", "out of the service, of the pane; clear the filter"),
    line(Scope::Pages, &[key('?')], Command::Help, "help", "this page"),
    line(Scope::Pages, &[key('q')], Command::Back, "quit", "back, then quit"),
    line(Scope::Typing, &[code(KeyCode::Enter)], Command::Keep, "keep", "keep the filter, go to the moment, write the note down"),
    line(Scope::Typing, &[code(KeyCode::Esc)], Command::Out, "clear", "clear the filter, stay at the moment, write nothing"),
    line(Scope::Palette, &[code(KeyCode::Enter)], Command::Take, "go", "go there"),
    line(Scope::Palette, &[code(KeyCode::Down), code(KeyCode::Tab)], Command::Down, "", "next"),
    line(Scope::Palette, &[code(KeyCode::Up), code(KeyCode::BackTab)], Command::Up, "", "previous"),
    line(Scope::Palette, &[code(KeyCode::Esc)], Command::Out, "close", "close the palette"),
    line(Scope::Attach, &[code(KeyCode::Enter)], Command::Attach, "attach", "attach to those marked, to all that fit a pattern with *, else to the one under the cursor"),
    line(Scope::Attach, &[key(' ')], Command::Mark, "mark", "mark the function, or take the mark away"),
    line(Scope::Attach, &[code(KeyCode::Down), code(KeyCode::Tab)], Command::Down, "", "next"),
    line(Scope::Attach, &[code(KeyCode::Up), code(KeyCode::BackTab)], Command::Up, "", "previous"),
    line(Scope::Attach, &[code(KeyCode::Esc)], Command::Out, "close", "attach nothing"),
    line(Scope::Confirm, &[key('y')], Command::Confirm, "yes", "do it"),
    line(Scope::Confirm, &[key('n'), code(KeyCode::Esc), key('q')], Command::Out, "no", "leave it as it is"),
    line(Scope::Menu, &[key('j'), code(KeyCode::Down)], Command::Down, "", "next line"),
    line(Scope::Menu, &[key('k'), code(KeyCode::Up)], Command::Up, "", "previous line"),
    line(Scope::Menu, &[code(KeyCode::Enter)], Command::Take, "take", "take it; the same column again turns the order round"),
    line(Scope::Menu, &[code(KeyCode::Esc), key('q')], Command::Out, "close", "close the menu"),
    line(Scope::Help, &[key('j'), code(KeyCode::Down)], Command::Down, "scroll down", "scroll down"),
    line(Scope::Help, &[key('k'), code(KeyCode::Up)], Command::Up, "scroll up", "scroll up"),
    line(Scope::Help, &[code(KeyCode::PageDown)], Command::PageDown, "", "a screen down"),
    line(Scope::Help, &[code(KeyCode::PageUp)], Command::PageUp, "", "a screen up"),
    line(Scope::Help, &[code(KeyCode::Esc), key('q'), key('?')], Command::Out, "close", "close the help"),
    line(Scope::Everywhere, &[code(KeyCode::F(1))], Command::Help, "", "this page"),
    line(Scope::Everywhere, &[alt('m')], Command::Mouse, "", "give the mouse to the terminal for selecting text, and back"),
    line(Scope::Everywhere, &[ctrl('c')], Command::Quit, "", "quit"),
    line(Scope::Everywhere, &[ctrl('z')], Command::Suspend, "", "to the shell; `fg` comes back"),
    line(Scope::Everywhere, &[ctrl('l')], Command::Repaint, "", "draw the screen anew"),
];

/// The lines that hold in these scopes, in the order of the table.
pub fn bindings(scopes: &[Scope]) -> impl Iterator<Item = &'static Binding> {
    TABLE.iter().filter(|line| scopes.contains(&line.scope))
}

/// What a key means in these scopes.
pub fn meaning(scopes: &[Scope], chord: Chord) -> Option<Command> {
    bindings(scopes)
        .find(|line| line.chords.contains(&chord))
        .map(|line| line.command)
}

#[cfg(test)]
mod tests {
    use super::super::app::Mode;
    use super::*;

    #[test]
    fn no_key_has_two_meanings_where_both_hold() {
        for (scopes, mode) in Mode::every_stack() {
            let mut seen: Vec<(Chord, &str)> = vec![];
            for line in bindings(&scopes) {
                for &chord in line.chords {
                    let other = seen.iter().find(|(known, _)| *known == chord);
                    assert!(
                        other.is_none(),
                        "{} in {mode}: {:?} and {}",
                        chord.label(),
                        other.map(|o| o.1),
                        line.help
                    );
                    seen.push((chord, line.help));
                }
            }
        }
    }

    #[test]
    fn every_scope_of_the_table_can_hold() {
        let stacks = Mode::every_stack();
        for line in TABLE {
            let held = stacks
                .iter()
                .any(|(scopes, _)| scopes.contains(&line.scope));
            assert!(held, "{} is never reachable", line.help);
        }
    }

    #[test]
    fn shifted_letters_are_letters() {
        let event = KeyEvent::new(KeyCode::Char('N'), KeyModifiers::SHIFT);
        let scopes = [Scope::Rows];
        assert_eq!(
            meaning(&scopes, Chord::of(&event)),
            Some(Command::PreviousMatch)
        );
        assert_eq!(ctrl('c').label(), "Ctrl-C");
    }
}
