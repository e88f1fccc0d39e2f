//! The state of the console: what is known, what is looked at, what is typed. It wakes by events and answers with wishes;
//! it does no IO and reads no clock.

mod attach;
mod commands;
mod cursors;
mod diagnosis;
mod finer;
mod known;
mod menus;
mod mouse;
mod palette;
mod probes;
mod profiled;
mod profiles;
mod reading;
mod rows;
mod sheets;
mod start;
mod state;
mod taken;
mod travel;
mod wanted;

pub use cursors::{List, RowKey};
pub use known::Known;
pub(super) use menus::of_side;
pub use menus::{Menu, MenuKind, RouteSort};
pub use probes::ProbeView;
pub use profiled::FunctionRow;
pub(super) use sheets::other_end;
pub use state::{
    Body, LinkState, Mode, Notice, Outcome, PAGES, Page, Pane, Spot, Starting, TABS, Tab, Way,
};
pub use travel::SOON;

use super::Config;
use super::asked::Asked;
use super::event::{Action, Event};
use super::filter::Filter;
use super::finer::Finer;
use super::flame::Graph;
use super::keys::{self, Chord, Scope};
use super::link::{LinkEvent, Lost};
use super::moment::Moment;
use super::order::Order;
use super::palette::Palette;
use super::picture::Picture;
use super::sort::Sort;
use super::time::Time;
use super::usual::Usual;
use crossterm::event::KeyEvent;
use cursors::Cursors;
use probes::Probing;
use profiled::Profiled;
use ratatui::layout::Rect;
use reading::Reading;
use rows::Derived;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a word to the person stands there.
const NOTICE: Duration = Duration::from_secs(5);

/// The state of the console.
#[derive(Debug)]
pub struct App {
    pub(super) config: Config,
    pub(super) spot: Spot,
    /// The view before this one.
    before: Option<Spot>,
    /// Where `Esc` leads out of a service, of a diagnosis, of what showed evidence.
    from: Vec<Way>,
    pub(super) mode: Mode,
    pub(super) link: LinkState,
    pub(super) starting: Starting,
    pub(super) time: Time,
    /// Since when another moment or window is waited for.
    retimed: Duration,
    filters: HashMap<Page, Filter>,
    pub(super) sort: Sort,
    pub(super) route_sort: RouteSort,
    pub(super) all: bool,
    /// Other columns on Services, the tree on Topology.
    pub(super) wide: bool,
    pub(super) tree_form: bool,
    /// How far the drawn neighbourhood reaches.
    pub(super) depth: usize,
    pub(super) cursors: Cursors,
    pub(super) pane: Pane,
    pub(super) tab: Tab,
    /// Whether Events shows changes alone.
    pub(super) changes: bool,
    pub(super) menu: Menu,
    /// What is typed for the pick of a moment.
    pub(super) input: String,
    pub(super) palette: Palette,
    pub(super) help_offset: usize,
    pub(super) notice: Option<Notice>,
    mouse_on: bool,
    /// The row under the cursor was put there by a click: the next one opens it.
    clicked: bool,
    pub(super) opened: Moment,
    pub(super) order: Order,
    pub(super) usual: Usual,
    pub(super) derived: Derived,
    pub(super) asked: Asked,
    /// Where a person is in the flame graph of page 5.
    pub(super) graph: Graph,
    /// The columns and rows of it on the screen.
    graph_size: (u16, usize),
    /// The finer profile that was asked for last.
    pub(super) finer: Option<Finer>,
    /// The probes of the colony.
    pub(super) probing: Probing,
    pub(super) profiled: Profiled,
    pub(super) reading: Reading,
    live: Arc<Picture>,
    /// What is shown while it is not live.
    held: Arc<Picture>,
    versions: u64,
    size: Rect,
}

impl App {
    /// A console that knows nothing yet, on a screen of this size.
    pub fn new(config: Config, (width, height): (u16, u16), now: Moment) -> Self {
        Self {
            time: Time::live(config.window),
            spot: Spot::page(match config.replay {
                Some(_) => Page::Diagnose,
                None => Page::Services,
            }),
            pane: Pane {
                focused: config.replay.is_some(),
                ..Pane::default()
            },
            config,
            before: None,
            from: vec![],
            mode: Mode::Page,
            link: LinkState::Opening,
            starting: Starting::No,
            retimed: now.up,
            filters: HashMap::new(),
            sort: Sort::default(),
            route_sort: RouteSort::Rate,
            all: false,
            wide: false,
            tree_form: false,
            depth: 2,
            cursors: Cursors::default(),
            tab: Tab::Routes,
            changes: false,
            menu: Menu::default(),
            input: String::new(),
            palette: Palette::default(),
            help_offset: 0,
            notice: None,
            mouse_on: true,
            clicked: false,
            opened: now,
            order: Order::default(),
            usual: Usual::default(),
            derived: Derived::default(),
            asked: Asked::default(),
            graph: Graph::default(),
            graph_size: (0, 0),
            finer: None,
            probing: Probing::default(),
            profiled: Profiled::default(),
            reading: Reading::default(),
            live: Arc::default(),
            held: Arc::default(),
            versions: 0,
            size: Rect::new(0, 0, width, height),
        }
    }

    /// Takes an event in and says what it asks for.
    pub fn handle(&mut self, event: Event, now: Moment) -> Outcome {
        if matches!(event, Event::Key(_) | Event::Mouse(_)) {
            self.probing.touched = now.up;
        }
        let mut outcome = match event {
            Event::Key(key) => self.key(&key, now),
            Event::Mouse(mouse) => self.mouse(&mouse, now),
            Event::Resize(width, height) => {
                self.size = Rect::new(0, 0, width, height);
                Outcome::drawn()
            }
            Event::Link(event) => self.link(event, now),
            Event::Answer { question, answer } => self.answered(&question, *answer, now),
            Event::Wished { id, said } => self.wished(&id, said, now),
            Event::Listed(listed) => self.listed(listed, now),
            Event::Said(said) => self.said(said, now),
            Event::Privilege(found) => self.privilege_found(found),
            Event::Started(result) => self.started(result),
            Event::Tick => self.tick(now),
            Event::Terminate => Outcome::wish(Action::Quit),
        };
        if self.live.head().is_some()
            && let Some(there) = self.config.open_at.take()
        {
            // Before the first picture nothing says which moment the newest is.
            outcome.actions.extend(self.go_there(there, now).actions);
        }
        self.settle(now);
        self.settle_picker(now);
        outcome.actions.extend(self.ask(now));
        outcome.actions.extend(self.look_after_finer(now));
        outcome.actions.extend(self.look_for_probes(now));
        outcome
    }

    /// The scopes whose keys hold now, the innermost first.
    pub fn scopes(&self) -> Vec<Scope> {
        match self.mode {
            Mode::Filter | Mode::Pick | Mode::Note => vec![Scope::Typing, Scope::Everywhere],
            Mode::Palette => vec![Scope::Palette, Scope::Everywhere],
            Mode::Menu => vec![Scope::Menu, Scope::Everywhere],
            Mode::Help => vec![Scope::Help, Scope::Everywhere],
            Mode::Attach => vec![Scope::Attach, Scope::Everywhere],
            Mode::Confirm => vec![Scope::Confirm, Scope::Everywhere],
            Mode::Page => self.page_scopes(),
        }
    }

    fn page_scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![];
        if self.can_start() {
            scopes.push(Scope::Start);
        }
        match self.body() {
            Body::Page => {
                if self.leads_on() {
                    scopes.push(Scope::Leads);
                }
                if self.service_here().is_some() {
                    scopes.push(Scope::Subject);
                }
                scopes.extend(self.can_probe().then_some(Scope::Probing));
                let own: &[Scope] = match self.spot.page {
                    Page::Services => &[Scope::Services, Scope::Sorted, Scope::Panes],
                    Page::Topology => &[Scope::Topology, Scope::Panes],
                    Page::Events => &[Scope::Events],
                    Page::Fleet => &[Scope::Panes],
                    Page::Diagnose => &[Scope::Diagnose, Scope::Panes],
                    Page::Probes if self.can_detach() => {
                        &[Scope::Probes, Scope::Detach, Scope::Panes]
                    }
                    Page::Probes => &[Scope::Probes, Scope::Panes],
                    Page::Profiles if self.spot.service.is_some() => &[Scope::Profile],
                    Page::Profiles => &[],
                    Page::Service if self.tab == Tab::Routes => &[Scope::Service, Scope::Sorted],
                    Page::Service => &[Scope::Service],
                };
                scopes.extend_from_slice(own);
                scopes.push(Scope::Rows);
                if self.config.replay.is_none() {
                    scopes.push(Scope::Time);
                    scopes.extend((!self.config.read_only).then_some(Scope::Act));
                }
            }
            Body::NothingThen | Body::Refused(_) => scopes.push(Scope::Time),
            _ => {}
        }
        scopes.extend([Scope::Pages, Scope::Everywhere]);
        scopes
    }

    /// What is drawn between the pages and the last line.
    pub fn body(&self) -> Body<'_> {
        match (&self.config.replay, self.spot.page) {
            (None, _) => {}
            (Some(_), Page::Diagnose) => return Body::Page,
            (Some(_), _) => return Body::OnlyDiagnosis,
        }
        let picture = self.picture();
        let away = match &self.link {
            LinkState::Away { why, .. } => Some(why),
            LinkState::Opening | LinkState::Open => None,
        };
        let agents = picture.status.as_ref().map(|s| s.agents.len());
        match (&picture.services, away) {
            (None, Some(Lost::Nobody)) => Body::NoColony,
            (None, Some(Lost::Because(failure))) => Body::Unreachable(failure),
            (None, None) => Body::Loading,
            (Some(services), _) if services.rows.is_empty() && agents == Some(0) => Body::NoAgent,
            (Some(_), _) => self.past_body(),
        }
    }

    /// What the pages show: the live picture, or the one that is held.
    pub fn picture(&self) -> &Picture {
        match self.time.is_live() {
            true => &self.live,
            false => &self.held,
        }
    }

    /// The page whose name is marked: of a service, the one that it was opened from.
    pub fn root_page(&self) -> Page {
        match self.spot.page {
            Page::Service => {
                let first = self.from.first();
                first.map_or(Page::Services, |way| way.spot.page)
            }
            page => page,
        }
    }

    /// Another look of the same.
    pub fn set_look(&mut self, palette: super::theme::Palette, glyphs: super::glyphs::Glyphs) {
        (self.config.palette, self.config.glyphs) = (palette, glyphs);
    }

    /// Whether what acts on the system is hidden.
    pub fn set_read_only(&mut self, read_only: bool) {
        self.config.read_only = read_only;
    }

    /// The whole screen.
    pub fn size(&self) -> Rect {
        self.size
    }

    /// The filter of the page.
    pub fn filter(&self) -> &Filter {
        static NONE: std::sync::LazyLock<Filter> = std::sync::LazyLock::new(Filter::default);
        self.filters.get(&self.spot.page).unwrap_or(&NONE)
    }

    fn key(&mut self, key: &KeyEvent, now: Moment) -> Outcome {
        if !(key.is_press() || key.is_repeat()) {
            return Outcome::default();
        }
        self.clicked = false;
        match keys::meaning(&self.scopes(), Chord::of(key)) {
            Some(command) => self.command(command, now),
            None if matches!(
                self.mode,
                Mode::Filter | Mode::Pick | Mode::Note | Mode::Palette | Mode::Attach
            ) =>
            {
                self.typed(key, now)
            }
            None => Outcome::default(),
        }
    }

    fn tick(&mut self, now: Moment) -> Outcome {
        let over = self.notice.as_ref().is_some_and(|n| n.until <= now.up);
        if over {
            self.notice = None;
        }
        let still = !self.time.is_live() && self.link == LinkState::Open;
        Outcome {
            draw: over || !still || self.waiting(now).is_some(),
            actions: vec![],
        }
    }

    fn said(&mut self, said: Result<String, String>, now: Moment) -> Outcome {
        let good = said.is_ok();
        let (Ok(text) | Err(text)) = said;
        self.notice = Some(Notice {
            text,
            good,
            until: now.up + NOTICE,
        });
        Outcome::drawn()
    }

    fn link(&mut self, event: LinkEvent, now: Moment) -> Outcome {
        match event {
            LinkEvent::Open => {
                // The snapshots that follow replace the rows; the person's place is kept.
                self.link = LinkState::Open;
                self.starting = Starting::No;
                self.asked.forget_failures();
                self.forget_list();
            }
            LinkEvent::Change(change) => {
                let version = self.next_version();
                let live = Arc::make_mut(&mut self.live);
                live.apply(*change, now);
                live.version = version;
                return Outcome {
                    draw: self.time.is_live(),
                    actions: vec![],
                };
            }
            LinkEvent::Lost { why, retry_in } => {
                let since = match self.link {
                    LinkState::Away { since, .. } => since,
                    LinkState::Opening | LinkState::Open => now,
                };
                self.link = LinkState::Away {
                    since,
                    retry_at: now.up + retry_in,
                    why,
                };
            }
        }
        Outcome::drawn()
    }

    fn next_version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }
}
