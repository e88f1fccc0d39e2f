//! The state of the console: what is known, what is looked at, what is typed. It wakes by events and answers with wishes;
//! it does no IO and reads no clock.

mod commands;
mod lists;
mod mouse;
mod start;
mod state;

pub use state::{Body, LinkState, Mode, Outcome, PAGES, Page, Pane, Routes, Starting};

use super::Config;
use super::event::{Action, Event};
use super::filter::Filter;
use super::keys::{self, Chord, Scope};
use super::link::{LinkEvent, Lost};
use super::moment::Moment;
use super::order::Order;
use super::picture::Picture;
use super::select::Select;
use super::sort::Sort;
use coral_model::{ServiceKey, TimeNs};
use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

/// The state of the console.
#[derive(Debug)]
pub struct App {
    pub(super) config: Config,
    pub(super) page: Page,
    pub(super) mode: Mode,
    pub(super) link: LinkState,
    pub(super) starting: Starting,
    pub(super) frozen: Option<(Picture, TimeNs)>,
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    pub(super) all: bool,
    pub(super) services: Select<ServiceKey>,
    pub(super) edges: Select<String>,
    pub(super) pane: Pane,
    pub(super) routes: Routes,
    pub(super) menu: usize,
    pub(super) help_offset: usize,
    pub(super) opened: Moment,
    pub(super) order: Order,
    live: Picture,
    size: Rect,
}

impl App {
    /// A console that knows nothing yet, on a screen of this size.
    pub fn new(config: Config, (width, height): (u16, u16), now: Moment) -> Self {
        Self {
            config,
            page: Page::Services,
            mode: Mode::Page,
            link: LinkState::Opening,
            starting: Starting::No,
            frozen: None,
            filter: Filter::default(),
            sort: Sort::default(),
            all: false,
            services: Select::default(),
            edges: Select::default(),
            pane: Pane::default(),
            routes: Routes::default(),
            menu: 0,
            help_offset: 0,
            opened: now,
            order: Order::default(),
            live: Picture::default(),
            size: Rect::new(0, 0, width, height),
        }
    }

    /// Takes an event in and says what it asks for.
    pub fn handle(&mut self, event: Event, now: Moment) -> Outcome {
        let mut outcome = match event {
            Event::Key(key) => self.key(&key, now),
            Event::Mouse(mouse) => self.mouse(&mouse, now),
            Event::Resize(width, height) => {
                self.size = Rect::new(0, 0, width, height);
                Outcome::drawn()
            }
            Event::Link(event) => self.link(event, now),
            Event::Routes { service, answer } => self.routes_came(service, answer),
            Event::Privilege(found) => self.privilege_found(found),
            Event::Started(result) => self.started(result),
            Event::Tick => Outcome {
                draw: self.frozen.is_none() || !matches!(self.link, LinkState::Open),
                actions: vec![],
            },
            Event::Terminate => Outcome::wish(Action::Quit),
        };
        self.settle(now);
        outcome.actions.extend(self.routes_wanted(now));
        outcome
    }

    /// The scopes whose keys hold now, the innermost first.
    pub fn scopes(&self) -> Vec<Scope> {
        match self.mode {
            Mode::Filter => vec![Scope::Filter, Scope::Everywhere],
            Mode::Menu => vec![Scope::Menu, Scope::Everywhere],
            Mode::Help => vec![Scope::Help, Scope::Everywhere],
            Mode::Page => {
                let page = match self.page {
                    Page::Services => Scope::Services,
                    Page::Topology => Scope::Topology,
                };
                let mut scopes = vec![];
                if self.can_start() {
                    scopes.push(Scope::Start);
                }
                if self.body() == Body::Page {
                    scopes.extend([page, Scope::Rows]);
                }
                scopes.extend([Scope::Pages, Scope::Everywhere]);
                scopes
            }
        }
    }

    /// What is drawn between the pages and the last line.
    pub fn body(&self) -> Body<'_> {
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
            (Some(_), _) => Body::Page,
        }
    }

    /// What the pages show: the frozen picture, or the live one.
    pub fn picture(&self) -> &Picture {
        self.frozen
            .as_ref()
            .map_or(&self.live, |(picture, _)| picture)
    }

    /// The whole screen.
    pub fn size(&self) -> Rect {
        self.size
    }

    fn key(&mut self, key: &KeyEvent, now: Moment) -> Outcome {
        if !(key.is_press() || key.is_repeat()) {
            return Outcome::default();
        }
        match keys::meaning(&self.scopes(), Chord::of(key)) {
            Some(command) => self.command(command, now),
            None if self.mode == Mode::Filter => self.typed(key),
            None => Outcome::default(),
        }
    }

    fn link(&mut self, event: LinkEvent, now: Moment) -> Outcome {
        match event {
            LinkEvent::Open => {
                // The snapshots that follow replace the rows; the person's place is kept.
                self.link = LinkState::Open;
                self.starting = Starting::No;
            }
            LinkEvent::Change(change) => {
                self.live.apply(*change, now);
                return Outcome {
                    draw: self.frozen.is_none(),
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
}
